namespace Lib
{
    static class Three
    {
        public static string Text()
        {
            return "three";
        }
    }
}
