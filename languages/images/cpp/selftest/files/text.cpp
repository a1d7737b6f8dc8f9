#include "text.hpp"

std::string text()
{
    return "from another file";
}
