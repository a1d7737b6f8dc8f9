namespace Lib
{
    static class Two
    {
        public static string Text()
        {
            return "two";
        }
    }
}
