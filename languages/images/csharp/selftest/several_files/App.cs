using System;
using Lib;

class App
{
    static void Main()
    {
#if ONE
        Console.WriteLine("one");
#endif
        Console.WriteLine(Two.Text());
        Console.WriteLine(Three.Text());
    }
}
