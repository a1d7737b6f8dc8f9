#include <iostream>

#include "lib/three.hpp"
#include "two.hpp"

int main()
{
    std::cout << "one\n" << two() << '\n' << three() << '\n';
}
