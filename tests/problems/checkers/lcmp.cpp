// Lines are the same, white space within them aside.
#include "testlib.h"

#include <string>
#include <vector>

static std::vector<std::string> words(const std::string &line) {
    std::vector<std::string> found;
    for (const std::string &word : tokenize(line, " \t\r")) found.push_back(word);
    return found;
}

int main(int argc, char *argv[]) {
    setName("compare files as sequences of lines");
    registerTestlibCmd(argc, argv);
    int n = 0;
    std::string last;
    while (!ans.eof()) {
        std::string j = ans.readString();
        if (j.empty() && ans.eof()) break;
        std::string p = ouf.readString();
        last = p;
        n++;
        if (words(j) != words(p))
            quitf(_wa, "%d%s lines differ - expected: '%s', found: '%s'", n, englishEnding(n).c_str(), compress(j).c_str(),
                  compress(p).c_str());
    }
    if (n == 1) quitf(_ok, "single line: '%s'", compress(last).c_str());
    quitf(_ok, "%d lines", n);
}
