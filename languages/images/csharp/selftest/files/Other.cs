static class Other
{
    public static string Text()
    {
        return "from another file";
    }
}
