using System;

class Program
{
    static int Main()
    {
        Console.WriteLine("leaving");
        return 7;
    }
}
