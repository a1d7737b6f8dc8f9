class Main {
  static function main() {
    var counts:Map<String, Int> = [];
    for (letter in "aab".split(""))
      counts[letter] = (counts.exists(letter) ? counts[letter] : 0) + 1;
    Sys.println('collections: a=${counts["a"]} b=${counts["b"]}');
    var part = ~/(\d{4})-(\d{2})/;
    part.match("on 2024-03-01");
    Sys.println('regex: ${part.matched(1)} ${part.matched(2)}');
    Sys.println("json: " + haxe.Json.stringify(haxe.Json.parse('{"list": [1, 2, 3]}').list));
    var fruit = ["pear", "fig", "apple"];
    fruit.sort(Reflect.compare);
    Sys.println("sort: " + fruit.join(" "));
    var day = DateTools.delta(new Date(2024, 1, 28, 12, 0, 0), DateTools.days(2));
    Sys.println("date: " + DateTools.format(day, "%Y-%m-%d"));
    var total = 0;
    var lock = new sys.thread.Mutex();
    var done = new sys.thread.Lock();
    for (number in 1...5)
      sys.thread.Thread.create(() -> {
        lock.acquire();
        total += number;
        lock.release();
        done.release();
      });
    for (number in 1...5)
      done.wait();
    Sys.println('threads: $total');
  }
}
