#include <iostream>

int main()
{
    int count = 0, sum = 0;
    for (int number; std::cin >> number; sum += number)
        count++;
    std::cout << count << " numbers, sum " << sum << "\n";
}
