#include <stdckdint.h>
#include <stdio.h>

struct word { const char *text; int length; };

static constexpr int most = 0b110;

int main() {
    auto word = (struct word){ .text = "modern", .length = 6 };
    [[maybe_unused]] void *nothing = nullptr;
    static_assert(most == 6);
    int sum;
    bool overflows = ckd_add(&sum, word.length, 1'000);
    typeof(sum) same = sum;
    puts(!overflows && same == 1006 ? _Generic(word.length, int: word.text, default: "no") : "no");
}
