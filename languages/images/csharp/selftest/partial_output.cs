using System;

class Program
{
    static void Main()
    {
        Console.WriteLine("started");
        Console.Write("half a line");
        while (true) { }
    }
}
