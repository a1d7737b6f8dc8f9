import core.stdc.stdlib : exit;
import std.stdio;

void main()
{
    foreach (i; 0 .. 500_000)
        write('y');
    exit(0);
}
