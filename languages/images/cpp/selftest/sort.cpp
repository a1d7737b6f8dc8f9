#include <bits/stdc++.h>

int main()
{
    std::vector<long> numbers(1000000);
    long x = 42;
    for (auto &number : numbers)
        number = x = (x * 1103515245 + 12345) % (1L << 31);
    std::sort(numbers.begin(), numbers.end());
    std::cout << numbers[0] << ' ' << numbers[500000] << ' ' << numbers.back() << '\n';
}
