#include <iostream>
#include "text.hpp"

int main()
{
    std::cout << text() << '\n';
}
