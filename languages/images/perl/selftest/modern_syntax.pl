use v5.38;
use builtin qw(true trim);
no warnings 'experimental';
use feature 'class';

class Word {
    field $text :param = 'mod';
    method with($rest //= 'ern') { return $text . $rest }
}

sub greet ($word, %options) { return trim("  $word ") }

for my ($key, $value) (a => 1) { say greet(Word->new->with) if $key eq 'a' && true }
