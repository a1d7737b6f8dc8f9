#include <iostream>
#include <string>

int main()
{
    int number;
    std::cin >> number;
    std::string words = number % 3 == 0 ? "Fizz" : "";
    if (number % 5 == 0)
        words += "Buzz";
    std::cout << (words.empty() ? std::to_string(number) : words) << "\n";
}
