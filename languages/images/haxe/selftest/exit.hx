class Main {
  static function main() {
    Sys.println("leaving");
    Sys.exit(7);
  }
}
