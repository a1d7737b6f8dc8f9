#include <fmt/core.h>

int main()
{
    fmt::print("{}\n", "Hello from C++ with libraries!");
}
