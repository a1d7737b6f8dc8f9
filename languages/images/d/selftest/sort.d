import std.algorithm;
import std.stdio;

void main()
{
    auto numbers = new long[](1_000_000);
    long x = 42;
    foreach (ref number; numbers)
        number = x = (x * 1_103_515_245 + 12_345) % (1L << 31);
    numbers.sort();
    writeln(numbers[0], " ", numbers[500_000], " ", numbers[$ - 1]);
}
