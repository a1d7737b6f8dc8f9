using System;

class Program
{
    static void Main()
    {
        long x = 42;
        var numbers = new long[1000000];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = x = (x * 1103515245 + 12345) % (1L << 31);
        Array.Sort(numbers);
        Console.WriteLine($"{numbers[0]} {numbers[500000]} {numbers[999999]}");
    }
}
