#include <iostream>

int main()
{
    int answer = 42;
    std::cout << "The answer is " << anwser << "\n";
}
