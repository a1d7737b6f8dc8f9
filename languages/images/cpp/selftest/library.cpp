#include <bits/stdc++.h>

int main()
{
    std::map<char, int> counts;
    for (char letter : std::string("aab"))
        counts[letter]++;
    std::cout << "collections: a=" << counts['a'] << " b=" << counts['b'] << '\n';

    std::string text = "on 2024-03-01";
    std::smatch part;
    std::regex_search(text, part, std::regex(R"((\d{4})-(\d{2}))"));
    std::cout << "regex: " << part[1] << ' ' << part[2] << '\n';

    std::vector<std::string> fruit = {"pear", "fig", "apple"};
    std::ranges::sort(fruit);
    std::cout << "sort: " << fruit[0] << ' ' << fruit[1] << ' ' << fruit[2] << '\n';

    using namespace std::chrono;
    year_month_day day = sys_days(2024y / February / 28) + days(2);
    std::printf("date: %d-%02u-%02u\n", int(day.year()), unsigned(day.month()), unsigned(day.day()));

    std::atomic<int> total = 0;
    {
        std::vector<std::jthread> threads;
        for (int number = 1; number <= 4; number++)
            threads.emplace_back([&total, number] { total += number; });
    }
    std::cout << "threads: " << total << '\n';
}
