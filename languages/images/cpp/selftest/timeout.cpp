#include <iostream>

int main()
{
    std::cout << "started\n";
    for (volatile int i = 0;; i = i + 1)
        ;
}
