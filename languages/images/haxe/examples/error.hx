class Main {
  static function main() {
    var count:Int = 1;
    // Haxe knows the type of each variable.
    Sys.println(count);
    count = "one";
  }
}
