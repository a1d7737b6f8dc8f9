#include <iostream>

int depth(int left)
{
    volatile int one = 1;
    return left == 0 ? 0 : one + depth(left - 1);
}

int main()
{
    std::cout << depth(200000) << '\n';
}
