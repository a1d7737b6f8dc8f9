#include <chrono>
#include <iostream>
#include <thread>

int main()
{
    for (int number = 1; number <= 5; number++) {
        std::cout << number << std::endl;
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
    }
}
