import std.stdio;

void main()
{
    writeln("żółć, 中文 🚀");
    write(readln());
}
