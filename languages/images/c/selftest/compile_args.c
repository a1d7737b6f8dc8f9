#include <omp.h>
#include <stdio.h>

int main(void)
{
    long sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(2)
    for (int i = 1; i <= 1000; i++)
        sum += omp_get_num_threads() * (long)i;
    puts(sum == 1001000 && __STDC_VERSION__ == 201710L && ANSWER == 42 ? "given" : "no");
    return 0;
}
