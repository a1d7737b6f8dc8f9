class Other {
  public static function text() {
    return "from another file";
  }
}
