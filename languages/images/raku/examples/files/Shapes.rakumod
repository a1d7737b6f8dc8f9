unit module Shapes;

sub squared($side) is export { $side ** 2 }
