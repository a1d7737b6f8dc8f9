/* A program on the C library's streams that prints a line and a half, then ends, or does not, as its argument says. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile int zero;

static int recurse(int depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    return recurse(depth + 1) + frame[0];
}

static void fault(void)
{
    *(volatile int *)(long)zero = 1;
}

static void jump(void)
{
    ((void (*)(void))(long)zero)();
}

static void divide(void)
{
    zero = 1 / zero;
}

/* A stack as large as the memory would never overflow: the memory ends first. */
static void deep(void)
{
    struct rlimit limit = {8 << 20, 8 << 20};
    if (setrlimit(RLIMIT_STACK, &limit))
        exit(3);
    zero = recurse(0);
}

static void spin(void)
{
    for (;;)
        zero = 0;
}

/* Whatever comes, it goes on. */
static void stay(void)
{
    for (int number = 1; number < 32; number++)
        signal(number, SIG_IGN);
    spin();
}

static void count(void)
{
    for (long number = 0;; number++)
        printf("%ld ", number);
}

static void lines(void)
{
    for (int number = 0; number < 200000; number++)
        printf("%d\n", number);
}

static void variables(void)
{
    puts("");
    for (char **variable = environ; *variable; variable++)
        puts(*variable);
}

static const struct {
    const char *name;
    void (*end)(void);
} ENDS[] = {{"abort", abort}, {"fault", fault}, {"jump", jump},   {"divide", divide}, {"deep", deep},
            {"spin", spin},   {"stay", stay},   {"count", count}, {"lines", lines},   {"variables", variables}};

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    printf("a line\nhalf ");
    for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++)
        if (strcmp(ENDS[i].name, argv[1]) == 0)
            ENDS[i].end();
    return 0;
}
