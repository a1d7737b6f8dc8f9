class Main {
  static function main() {
    Sys.println(Other.text());
  }
}
