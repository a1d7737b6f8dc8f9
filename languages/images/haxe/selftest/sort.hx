class Main {
  static function main() {
    // An Int has 32 bits, in which the product is right up to the bits that count.
    var x = 42;
    var numbers = [
      for (i in 0...1000000) {
        x = (x * 1103515245 + 12345) & 0x7fffffff;
        x;
      }
    ];
    numbers.sort((a, b) -> a - b);
    Sys.println('${numbers[0]} ${numbers[500000]} ${numbers[999999]}');
  }
}
