import std.stdio;

void main()
{
    writeln("started");
    while (true)
    {
    }
}
