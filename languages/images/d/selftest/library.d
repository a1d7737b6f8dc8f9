import std.algorithm;
import std.array;
import std.bigint;
import std.datetime;
import std.json;
import std.parallelism;
import std.regex;
import std.stdio;

void main()
{
    int[dchar] counts;
    foreach (letter; "aab")
        counts[letter]++;
    writefln("collections: a=%s b=%s", counts['a'], counts['b']);
    auto part = matchFirst("on 2024-03-01", r"(\d{4})-(\d{2})");
    writefln("regex: %s %s", part[1], part[2]);
    writefln("json: %s", parseJSON(`{"list": [1, 2, 3]}`)["list"]);
    writefln("bigint: %s", BigInt(2) ^^ 100);
    writefln("sort: %s", ["pear", "fig", "apple"].sort().join(" "));
    writefln("date: %s", (Date(2024, 2, 28) + 2.days).toISOExtString());
    writefln("threads: %s", taskPool.reduce!"a + b"([1, 2, 3, 4]));
}
