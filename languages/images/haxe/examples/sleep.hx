class Main {
  static function main() {
    for (number in 1...6) {
      Sys.println(number);
      Sys.sleep(0.4);
    }
  }
}
