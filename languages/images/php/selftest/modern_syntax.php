<?php
enum Suit: string { case Hearts = 'H'; case Spades = 'S'; }
readonly class Point { public function __construct(public int $x, public int $y = 0) {} }
final class Box { public string $upper { get => strtoupper($this->text); } public function __construct(private string $text) {} }
$name = match (Suit::tryFrom('H')) { Suit::Hearts => 'mod', Suit::Spades, null => 'no' };
$point = new Point(y: 2, x: 1);
$rest = array_map(fn(int $each): string => ['', 'er', 'n'][$each], [$point->x, $point->y]);
foreach (['DOMDocument', 'SQLite3', 'PDO', 'IntlChar', 'SimpleXMLElement'] as $class) { class_exists($class) || exit("no $class\n"); }
echo strtolower((new Box($name . implode(...)('', $rest)))->upper), "\n";
