// Many YES or NO.
#include "testlib.h"
#include <string>

int main(int argc, char *argv[]) {
    setName("multiple YES/NO (case insensitive)");
    registerTestlibCmd(argc, argv);
    int index = 0, yesCount = 0, noCount = 0;
    std::string pa;
    while (!ans.seekEof() && !ouf.seekEof()) {
        index++;
        std::string ja = upperCase(ans.readToken());
        pa = upperCase(ouf.readToken());
        if (ja != "YES" && ja != "NO") quitf(_fail, "YES or NO expected in answer, but %s found [%d%s token]", compress(ja).c_str(), index, englishEnding(index).c_str());
        if (pa == "YES")
            yesCount++;
        else if (pa == "NO")
            noCount++;
        else
            quitf(_pe, "YES or NO expected, but %s found [%d%s token]", compress(pa).c_str(), index, englishEnding(index).c_str());
        if (ja != pa) quitf(_wa, "expected %s, found %s [%d%s token]", compress(ja).c_str(), compress(pa).c_str(), index, englishEnding(index).c_str());
    }
    int extraInAnsCount = 0;
    while (!ans.seekEof()) {
        ans.readToken();
        extraInAnsCount++;
    }
    if (extraInAnsCount > 0) quitf(_wa, "Answer contains longer sequence [length = %d]", index + extraInAnsCount);
    int extraInOufCount = 0;
    while (!ouf.seekEof()) {
        ouf.readToken();
        extraInOufCount++;
    }
    if (extraInOufCount > 0) quitf(_wa, "Output contains longer sequence [length = %d]", index + extraInOufCount);
    if (index == 0) quitf(_ok, "Empty output");
    if (index == 1) quitf(_ok, "%s", pa.c_str());
    quitf(_ok, "%d token(s): yes count is %d, no count is %d", index, yesCount, noCount);
}
