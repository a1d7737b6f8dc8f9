import std.stdio;

int main()
{
    writeln("leaving");
    return 7;
}
