unit module Lib::Three;

sub three is export { "three" }
