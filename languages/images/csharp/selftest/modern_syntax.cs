using System;
using System.Collections.Generic;
using System.Linq;

static class Program
{
    private static readonly Dictionary<string, string> Rest = new Dictionary<string, string> { ["mod"] = "ern" };

    private static string First => "mod";

    private static string Named(string text) => text ?? throw new ArgumentException(nameof(text));

    static void Main()
    {
        var parts = (first: First, count: 1_0);
        Func<string> joined = () => $"{Named(parts.first)}{(Rest.TryGetValue(First, out var rest) ? rest : null)?.ToString()}";
        if (parts.count == 0b1010 && Rest.Keys.Any()) Console.WriteLine(joined());
    }
}
