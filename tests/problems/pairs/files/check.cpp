// Two different numbers of the list that add up to the sum, or -1 where there are none.
#include "testlib.h"

#include <vector>

using namespace std;

struct Found {
    int first, second;
};

Found readAns(InStream &stream, int n, const vector<int> &a, int sum) {
    int first = stream.readInt(-1, n, "first");
    if (first == -1) return {-1, -1};
    stream.quitif(first == 0, _wa, "there is no number 0");
    int second = stream.readInt(1, n, "second");
    if (first == second) stream.quitf(_wa, "the %d%s number twice", first, englishEnding(first).c_str());
    long long added = 0LL + a[first - 1] + a[second - 1];
    if (added != sum) stream.quitf(_wa, "%s, not %d", vtos(added).c_str(), sum);
    return {first, second};
}

int main(int argc, char *argv[]) {
    setName("two numbers with a sum");
    registerTestlibCmd(argc, argv);
    int n = inf.readInt();
    int sum = inf.readInt();
    vector<int> a = inf.readInts(n);
    Found jury = readAns(ans, n, a, sum);
    Found found = readAns(ouf, n, a, sum);
    if (jury.first != -1 && found.first == -1) quitf(_wa, "jury has found an answer, participant has not");
    if (jury.first == -1 && found.first != -1) quitf(_fail, "participant has found an answer, jury has not");
    quitf(_ok, "n=%d", n);
}
