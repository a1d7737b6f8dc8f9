class Main {
  static function main() {
    Sys.println("started");
    Sys.print("half a line");
    while (true) {}
  }
}
