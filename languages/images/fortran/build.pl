#!/usr/bin/perl
# Compiles the Fortran files that it is given, with the arguments among them (-O3). gfortran needs the file of a module
# before those that use it: each file is put behind what it uses, and the first one, the program, behind all others.
use strict;
use warnings;

my @arguments = grep { /^-/ } @ARGV;
my @files = grep { !/^-/ } @ARGV;
my (%defined_in, %used_by, %placed, @ordered);

sub read_file {
    my ($file) = @_;
    open my $source, '<', $file or die "$file: $!\n";
    while (my $line = <$source>) {
        $defined_in{lc $1} = $file if $line =~ /^\s*module\s+(?!procedure\b)(\w+)\s*(?:[!;]|$)/i;
        push @{ $used_by{$file} }, lc $1 if $line =~ /^\s*use\b(?:\s*,\s*non_intrinsic\s*)?\s*(?:::)?\s*(\w+)/i;
        push @{ $used_by{$file} }, lc $1 if $line =~ /^\s*submodule\s*\(\s*(\w+)/i;
    }
}

sub place {
    my ($file) = @_;
    return if $placed{$file}++;
    place($_) for grep { defined } map { $defined_in{$_} } @{ $used_by{$file} || [] };
    push @ordered, $file;
}

read_file($_) for @files;
place($_) for @files[ 1 .. $#files ], $files[0];
exec 'gfortran', '-O2', '-J/tmp', '-o', '/tmp/main', @ordered, @arguments or die "gfortran: $!\n";
