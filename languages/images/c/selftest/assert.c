#include <assert.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    puts("before");
    assert(argc == 3);
}
