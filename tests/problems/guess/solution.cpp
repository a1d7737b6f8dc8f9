#include <iostream>
#include <string>

int main(int argc, char *argv[]) {
    int low = 1, high = 100;
    bool slowly = argc > 1;
    std::string said;
    while (said != "=") {
        int middle = slowly ? low : (low + high) / 2;
        std::cout << middle << std::endl;
        if (!(std::cin >> said)) return 0;
        if (said == ">") low = middle + 1;
        if (said == "<") high = middle - 1;
    }
}
