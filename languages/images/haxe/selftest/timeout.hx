class Main {
  static function main() {
    Sys.println("started");
    while (true) {}
  }
}
