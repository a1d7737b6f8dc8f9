using System;

class Program
{
    static void Main()
    {
        Console.WriteLine("żółć, 中文 🚀");
        Console.WriteLine(Console.ReadLine());
    }
}
