#include <concepts>
#include <expected>
#include <map>
#include <print>
#include <ranges>
#include <string>
#include <vector>

template <std::integral T> consteval T twice(T value) { return 2 * value; }

std::expected<std::string, int> word(int which) {
    if (which != twice(1)) return std::unexpected(which);
    return "modern";
}

int main() {
    std::map<std::string, int> counts{{"a", 1}};
    for (auto &[name, count] : counts) count += static_cast<int>(name.size());
    auto squares = std::views::iota(1, 4) | std::views::transform([](int each) { return each * each; })
                 | std::ranges::to<std::vector>();
    if (auto found = word(counts["a"]); found && squares.back() == 9) std::println("{}", *found);
}
