class Program
{
    static int Main() { return undeclared; }
}
