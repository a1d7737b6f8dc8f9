use Shapes;

say "4 squared is { squared(4) }";
