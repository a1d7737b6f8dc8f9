class Main {
  static function main() {
    Sys.println("żółć, 中文 🚀");
    Sys.println(Sys.stdin().readLine());
  }
}
