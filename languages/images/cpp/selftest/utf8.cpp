#include <iostream>
#include <string>

int main()
{
    std::string line;
    std::cout << "żółć, 中文 🚀\n";
    std::getline(std::cin, line);
    std::cout << line << '\n';
}
