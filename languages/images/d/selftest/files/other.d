module other;

string text()
{
    return "from another file";
}
