#include <iostream>

#include "shapes.hpp"

int main()
{
    std::cout << "4 squared is " << squared(4) << "\n";
}
