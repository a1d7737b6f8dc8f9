// Files as sequences of lines, to the character.
#include "testlib.h"
#include <string>

int main(int argc, char *argv[]) {
    setName("compare files as sequence of lines");
    registerTestlibCmd(argc, argv);
    std::string last;
    int n = 0;
    while (!ans.eof()) {
        std::string j = ans.readString();
        if (j == "" && ans.eof()) break;
        std::string p = ouf.readString();
        last = p;
        n++;
        if (j != p) quitf(_wa, "%d%s lines differ - expected: '%s', found: '%s'", n, englishEnding(n).c_str(), compress(j).c_str(), compress(p).c_str());
    }
    if (n == 1) quitf(_ok, "single line: '%s'", compress(last).c_str());
    quitf(_ok, "%d lines", n);
}
