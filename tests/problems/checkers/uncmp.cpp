// Sequences of signed 64-bit numbers, in any order.
#include "testlib.h"
#include <algorithm>
#include <vector>
using namespace std;

int main(int argc, char *argv[]) {
    setName("compare unordered sequences of signed int64 numbers");
    registerTestlibCmd(argc, argv);
    vector<long long> ja, pa;
    while (!ans.seekEof()) ja.push_back(ans.readLong());
    while (!ouf.seekEof()) pa.push_back(ouf.readLong());
    if (ja.size() != pa.size()) quitf(_wa, "Expected %u elements, but %u found", (unsigned int) ja.size(), (unsigned int) pa.size());
    sort(ja.begin(), ja.end());
    sort(pa.begin(), pa.end());
    if (ja != pa) quitf(_wa, "Expected sequence and output are different (as unordered sequences) [size=%u]", (unsigned int) ja.size());
    if (ja.size() <= 5) quitf(_ok, "%u number(s): \"%s\"", (unsigned int) ja.size(), compress(join(ja)).c_str());
    quitf(_ok, "%u numbers", (unsigned int) ja.size());
}
