import std.stdio;
import other;

void main()
{
    writeln(text());
}
