#include <cassert>
#include <iostream>

int main(int argc, char **)
{
    std::cout << "before\n";
    assert(argc == 3);
}
