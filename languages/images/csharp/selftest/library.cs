using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using System.Web.Script.Serialization;

class Program
{
    static void Main()
    {
        var counts = new Dictionary<char, int>();
        foreach (var letter in "aab")
            counts[letter] = counts.TryGetValue(letter, out var count) ? count + 1 : 1;
        Console.WriteLine($"collections: a={counts['a']} b={counts['b']}");

        var part = Regex.Match("on 2024-03-01", @"(\d{4})-(\d{2})").Groups;
        Console.WriteLine($"regex: {part[1]} {part[2]}");

        var json = new JavaScriptSerializer();
        var parsed = json.Deserialize<Dictionary<string, int[]>>("{\"list\": [1, 2, 3]}");
        Console.WriteLine("json: " + json.Serialize(parsed["list"]));
        Console.WriteLine("bigint: " + BigInteger.Pow(2, 100));
        Console.WriteLine("sort: " + string.Join(" ", new[] { "pear", "fig", "apple" }.OrderBy(name => name)));
        Console.WriteLine("date: " + new DateTime(2024, 2, 28).AddDays(2).ToString("yyyy-MM-dd"));

        int total = 0;
        Task.WaitAll(Enumerable.Range(1, 4).Select(number => Task.Run(() => Interlocked.Add(ref total, number))).ToArray());
        Console.WriteLine("threads: " + total);
    }
}
