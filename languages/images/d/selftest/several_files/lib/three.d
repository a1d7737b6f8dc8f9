module lib.three;

string textOfThree()
{
    return "three";
}
