class Main {
  static function main() {
    Sys.println('4 squared is ${Shapes.squared(4)}');
  }
}
