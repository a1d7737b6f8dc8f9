class Main {
  static function main() {
    for (name in Sys.args())
      Sys.println('Hello, $name!');
  }
}
