#include <iostream>

int main()
{
    std::ios::sync_with_stdio(false);
    std::cout << "started\n";
    std::cout << "half a line";
    for (volatile int i = 0;; i = i + 1)
        ;
}
