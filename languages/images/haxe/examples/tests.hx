class Main {
  static function main() {
    var number = Std.parseInt(Sys.stdin().readLine());
    var words = (number % 3 == 0 ? "Fizz" : "") + (number % 5 == 0 ? "Buzz" : "");
    Sys.println(words == "" ? '$number' : words);
  }
}
