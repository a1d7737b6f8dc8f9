use Other;

say text;
