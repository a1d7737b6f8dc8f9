class Shapes {
  public static function squared(side:Int):Int {
    return side * side;
  }
}
