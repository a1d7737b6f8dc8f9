using System;

class Program
{
    static void Main()
    {
        Console.Write(new string('y', 500000));
        Environment.Exit(0);
    }
}
