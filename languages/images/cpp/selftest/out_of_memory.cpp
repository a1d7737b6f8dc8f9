#include <string>
#include <vector>

int main()
{
    std::vector<std::string> kept;
    for (;;)
        kept.emplace_back(1000000, 'x');
}
