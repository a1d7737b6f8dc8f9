#include <string>

std::string two();
