import std.stdio;

int depth(int left)
{
    return left == 0 ? 0 : 1 + depth(left - 1);
}

void main()
{
    writeln(depth(200_000));
}
