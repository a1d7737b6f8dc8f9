#include <cstdlib>
#include <iostream>
#include <string>

int main()
{
    std::cout << std::string(500000, 'y');
    std::exit(0);
}
