import std.stdio;

void main(string[] args)
{
    writeln("before");
    assert(args.length == 3);
}
