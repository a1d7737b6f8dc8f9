#include "lib/three.hpp"

std::string three()
{
    return THREE;
}
