/*
 * guest: what a hostile or clumsy program does, for the tests that perl cannot write as briefly.
 *
 * The first argument names the deed. `call NUMBER [ARGUMENT...]` makes one system call and prints 0 or its errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int call(int argc, char **argv)
{
    long arguments[7] = {0};
    for (int i = 0; i < argc && i < 7; i++)
        arguments[i] = strtol(argv[i], NULL, 0);
    errno = 0;
    long result =
        syscall(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], arguments[6]);
    printf("%d\n", result < 0 ? errno : 0);
    return 0;
}

static int spin(int argc, char **argv)
{
    volatile long turns = 0;
    for (int i = 1; i < (argc ? atoi(argv[0]) : 1); i++)
        if (fork() == 0)
            break;
    while (turns >= 0)
        turns = (turns + 1) % 1000;
    return 0;
}

static int eat(int argc, char **argv)
{
    size_t size = (size_t)atol(argc ? argv[0] : "0") << 20;
    char *memory = malloc(size);
    if (!memory)
        return 3;
    memset(memory, 1, size);
    printf("%d\n", memory[size / 2]);
    free(memory);
    return 0;
}

/* Goes a path down that is far longer than PATH_MAX. */
static int deep(int argc, char **argv)
{
    for (int i = argc ? atoi(argv[0]) : 1; i > 0; i--)
        if (mkdir("d", 0700) || chdir("d"))
            return 1;
    puts("deep");
    return 0;
}

static int many(int argc, char **argv)
{
    char name[32];
    for (int i = argc ? atoi(argv[0]) : 1; i > 0; i--) {
        snprintf(name, sizeof(name), "f%d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0);
        if (fd < 0)
            return 1;
        close(fd);
    }
    puts("many");
    return 0;
}

/* Forged frames to every descriptor that there might be. */
static int forge(int argc, char **argv)
{
    static const char forged[] = "R\0\0\0\6\0\1\0\0\0\7";
    (void)argc, (void)argv;
    for (int fd = 0; fd < 1024; fd++)
        if (write(fd, forged, sizeof(forged) - 1) < 0)
            continue;
    return 0;
}

#if defined(__x86_64__)
/* getpid through the entry of 32-bit programs. */
static int call32(int argc, char **argv)
{
    long result = 20;
    (void)argc, (void)argv;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    printf("%d\n", (int)result < 0 ? -(int)result : 0);
    return 0;
}
#endif

/* Ends by SIGSEGV where the stack may not grow so far. */
static __attribute__((noinline)) size_t descend(size_t left)
{
    volatile char frame[1 << 16];
    memset((char *)frame, 1, sizeof(frame));
    return left < sizeof(frame) ? 0 : descend(left - sizeof(frame)) + (size_t)frame[left % sizeof(frame)];
}

static int stack(int argc, char **argv)
{
    size_t size = (size_t)atol(argc ? argv[0] : "0") << 20;
    printf("%zu\n", descend(size) >> 4);
    return 0;
}

static void *nothing(void *argument)
{
    return argument;
}

static void *wait_for_end(void *argument)
{
    pause();
    return argument;
}

/* Without a number, one that ends; with one, as many at the same time. */
static int threads(int argc, char **argv)
{
    pthread_t thread;
    if (argc == 0)
        return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL);
    for (int i = atoi(argv[0]); i > 0; i--)
        if (pthread_create(&thread, NULL, wait_for_end, NULL))
            return 1;
    puts("threads");
    return 0;
}

static const struct {
    const char *name;
    int (*deed)(int argc, char **argv);
} DEEDS[] = {
    {"call", call},     {"spin", spin},   {"eat", eat},         {"deep", deep},
    {"many", many},     {"forge", forge}, {"threads", threads}, {"stack", stack},
#if defined(__x86_64__)
    {"call32", call32},
#endif
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(DEEDS) / sizeof(DEEDS[0]); i++)
        if (strcmp(DEEDS[i].name, argv[1]) == 0)
            return DEEDS[i].deed(argc - 2, argv + 2);
    return 99;
}
