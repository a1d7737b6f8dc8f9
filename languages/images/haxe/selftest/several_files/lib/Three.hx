package lib;

class Three {
  public static function text()
    return "three";
}
