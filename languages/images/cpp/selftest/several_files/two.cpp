#include "two.hpp"

std::string two()
{
    return "two";
}
