#include <string>

std::string three();
