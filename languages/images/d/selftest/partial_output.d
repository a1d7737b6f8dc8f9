import std.stdio;

void main()
{
    writeln("started");
    write("half a line");
    while (true)
    {
    }
}
