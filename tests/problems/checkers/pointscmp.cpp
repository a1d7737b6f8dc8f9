// Points for how near a number is.
#include "testlib.h"
#include <cmath>

int main(int argc, char *argv[]) {
    setName("example of scored checker");
    registerTestlibCmd(argc, argv);
    double ja = ans.readDouble();
    double pa = ouf.readDouble();
    quitp(std::max(0.0, 1.0 - std::fabs(ja - pa)), "ja=%.4f pa=%.4f", ja, pa);
}
