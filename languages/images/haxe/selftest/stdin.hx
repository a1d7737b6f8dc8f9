class Main {
  static function main() {
    try {
      while (true)
        Sys.println(Sys.stdin().readLine());
    } catch (end:haxe.io.Eof) {}
  }
}
