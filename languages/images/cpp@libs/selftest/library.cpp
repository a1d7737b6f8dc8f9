#include <boost/rational.hpp>
#include <Eigen/Dense>
#include <fmt/core.h>
#include <gmpxx.h>
#include <nlohmann/json.hpp>

int main()
{
    boost::rational<int> sum = boost::rational<int>(1, 2) + boost::rational<int>(1, 3);
    fmt::print("boost: {}/{}\n", sum.numerator(), sum.denominator());
    Eigen::Matrix2d matrix{{1, 2}, {3, 4}};
    fmt::print("eigen: {}\n", matrix.trace());
    mpz_class big;
    mpz_ui_pow_ui(big.get_mpz_t(), 2, 100);
    fmt::print("gmp: {}\n", big.get_str());
    fmt::print("json: {}\n", nlohmann::json::parse("[1, 2, 3]").dump());
}
