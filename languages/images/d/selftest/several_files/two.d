module two;

string textOfTwo()
{
    return "two";
}
