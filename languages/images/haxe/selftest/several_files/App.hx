class App {
  static function main() {
    Sys.println("one");
    Sys.println(Two.text());
    Sys.println(lib.Three.text());
  }
}
