class Main {
  static function main() {
    Sys.print(StringTools.rpad("", "y", 500000));
    Sys.exit(0);
  }
}
