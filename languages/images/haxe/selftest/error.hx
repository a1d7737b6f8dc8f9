class Main {
  static function main() {
    undeclared();
  }
}
