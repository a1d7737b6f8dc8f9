#include <iostream>
#include <omp.h>

int main()
{
    long sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(2)
    for (int i = 1; i <= 1000; i++)
        sum += omp_get_num_threads() * static_cast<long>(i);
    std::cout << (sum == 1001000 && __cplusplus == 201703L && ANSWER == 42 ? "given\n" : "no\n");
}
