class Two {
  public static function text()
    return "two";
}
