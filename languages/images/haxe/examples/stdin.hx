class Main {
  static function main() {
    var numbers = [];
    try {
      while (true)
        numbers.push(Std.parseInt(Sys.stdin().readLine()));
    } catch (end:haxe.io.Eof) {}
    var sum = Lambda.fold(numbers, (number, total) -> total + number, 0);
    Sys.println('${numbers.length} numbers, sum $sum');
  }
}
