using System;

class Program
{
    static void Main()
    {
        Console.WriteLine("started");
        while (true) { }
    }
}
