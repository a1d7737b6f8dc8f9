import std.stdio;
import lib.three;
import two;

void main()
{
    version (One) writeln("one");
    writeln(textOfTwo());
    writeln(textOfThree());
}
