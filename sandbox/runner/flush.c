/*
 * flush: a library for programs on the C library's streams, so that nothing they printed is lost when they are ended.
 *
 * Theory of operation: a language asks for it with LD_PRELOAD in its environment; before the program's first
 * instruction it makes stdout line buffered, takes itself out of the environment, and installs one handler for the
 * signal with which the runner warns of the end (processes.h) and for those of crashes. The handler writes what stdout
 * holds back and lets the signal do what it does by default, so that the program ends as it would have without.
 *
 * The handler calls nothing of the C library's streams, whose locks the interrupted thread may hold. It writes the
 * bytes between two pointers of the buffer, and then the process ends. What can go wrong is that the signal came in the
 * middle of the write of these very bytes; interrupted_write() finds that out. libstdc++'s cout has a buffer of its own
 * after sync_with_stdio(false), and is treated the same way.
 *
 * It is linked against no C library, so that it fits into any image's; what only glibc and libstdc++ have is left out
 * where they are not there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#pragma weak dladdr
#pragma weak dlsym
#pragma weak gnu_get_libc_version

extern const char *gnu_get_libc_version(void);

enum {
    /* Enough for the frame of a signal on any processor and a handler; its pages are not touched before that. */
    STACK_BYTES = 64 * 1024,
    /* No buffer is larger: a pair of pointers that says so is none. */
    MOST_BYTES = 16 * 1024 * 1024,
    /* As much as libstdc++ takes of the address space; what a program makes lies elsewhere. */
    LIBSTDCXX_BYTES = 4 * 1024 * 1024,
    /* Nobody may map less: vm.mmap_min_addr. */
    LOWEST_ADDRESS = 64 * 1024,
    /* glibc's own name for it, _IO_LINE_BUF, is in no header of its. */
    LINE_BUFFERED = 0x200,
    /* SIGRTMAX, as processes.h has it. */
    WARNING = 64,
};

static const int SIGNALS[] = {WARNING, SIGXCPU, SIGXFSZ, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

/* libstdc++'s cout, and where libstdc++ begins in memory; NULL without it. */
static const ptrdiff_t *const *cout_object;
static const char *libstdcxx;

/* How many bytes from `begin` on the system call has written that the signal interrupted; 0 where it did another. */
static size_t interrupted_write(const ucontext_t *context, int fd, const char *begin, const char *end)
{
#if defined(__x86_64__)
    const greg_t *registers = context->uc_mcontext.gregs;
    static const unsigned char call[] = {0x0f, 0x05};
    const char *next = (const char *)registers[REG_RIP];
    long result = registers[REG_RAX], to = registers[REG_RDI];
    const char *from = (const char *)registers[REG_RSI];
#elif defined(__aarch64__)
    /* The first argument and the result are in one register. */
    static const unsigned char call[] = {0x01, 0x00, 0x00, 0xd4};
    const char *next = (const char *)context->uc_mcontext.pc;
    long result = (long)context->uc_mcontext.regs[0], to = fd;
    const char *from = (const char *)context->uc_mcontext.regs[1];
#endif
    /* A call that was not finished and goes on later has the counter before it, and one that failed no length. */
    if (memcmp(next - sizeof(call), call, sizeof(call)) != 0 || to != fd || result <= 0)
        return 0;
    /* writev has an array, whose first member begins with an address; what other calls have there is often none. */
    if (from < (const char *)LOWEST_ADDRESS)
        return 0;
    if (from < begin || from >= end)
        from = *(const char *const *)(const void *)from;
    if (from < begin || from >= end)
        return 0;
    size_t done = (size_t)(from - begin) + (size_t)result;
    return done < (size_t)(end - begin) ? done : (size_t)(end - begin);
}

/*
 * Without a context the signal is no interruption but what the program did, and its counter may point anywhere. What
 * `goes_out` already is passed to the system, or just was: unless the call itself was interrupted nobody knows which,
 * and it is better missing than there twice.
 */
static void write_out(const ucontext_t *context, int fd, const char *begin, const char *end, bool goes_out)
{
    if (!begin || end <= begin || end - begin > MOST_BYTES)
        return;
    size_t done = context ? interrupted_write(context, fd, begin, end) : 0;
    if (context && goes_out && done == 0)
        return;
    begin += done;
    while (begin < end) {
        ssize_t length = write(fd, begin, (size_t)(end - begin));
        if (length <= 0)
            return;
        begin += length;
    }
}

/* Neither does a full buffer stay, nor a complete line in a stream that is line buffered: they are on their way. */
static void write_out_stdout(const ucontext_t *context)
{
    const char *begin = stdout->_IO_write_base, *end = stdout->_IO_write_ptr;
    bool by_line = stdout->_flags & LINE_BUFFERED;
    bool goes_out =
        end >= stdout->_IO_buf_end || (by_line && end > begin && memchr(begin, '\n', (size_t)(end - begin)));
    write_out(context, stdout->_fileno, begin, end, goes_out);
}

/*
 * The first word of a C++ object points to its class's table, which has the offset of the base class three words before
 * its start; basic_ios has its streambuf after 232 bytes, and that the pointers of what is to be written, and of the
 * buffer's end, in its fifth to seventh word. All of it is fixed by the ABI of libstdc++.so.6. A streambuf of the
 * program's own is left alone: the library's are parts of it.
 */
static void write_out_cout(const ucontext_t *context)
{
    enum { BASE_OFFSET = -3, STREAMBUF_BYTES = 232, OUT_BEGIN = 4, OUT_END = 5, OUT_LIMIT = 6 };
    /* It is all zeroes until the library has made it. */
    if (!cout_object || !libstdcxx || !*cout_object)
        return;
    const char *base = (const char *)cout_object + (*cout_object)[BASE_OFFSET];
    const char *const *buffer = *(const char *const *const *)(base + STREAMBUF_BYTES);
    if ((const char *)buffer > libstdcxx && (const char *)buffer < libstdcxx + LIBSTDCXX_BYTES)
        write_out(context, STDOUT_FILENO, buffer[OUT_BEGIN], buffer[OUT_END], buffer[OUT_END] >= buffer[OUT_LIMIT]);
}

/* SA_RESETHAND has made the action the default one again: a fault comes once more by itself, others are sent. */
static void last_words(int number, siginfo_t *info, void *context)
{
    static volatile sig_atomic_t spoken;
    if (!spoken) {
        spoken = 1;
        if (info->si_code > 0)
            context = NULL;
        if (stdout)
            write_out_stdout(context);
        write_out_cout(context);
    }
    raise(number);
}

static void handle(int number)
{
    struct sigaction old, own = {.sa_sigaction = last_words, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    if (!sigaction(number, NULL, &old) && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
        sigaction(number, &own, NULL);
}

static void forget_variable(void)
{
    char **kept = environ;
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, "LD_PRELOAD=", strlen("LD_PRELOAD=")) != 0)
            *kept++ = *variable;
    *kept = NULL;
}

/* The object may be a copy in the program; a function is in the library. */
static void find_cout(void)
{
    Dl_info library;
    void *function = dlsym && dladdr ? dlsym(RTLD_DEFAULT, "_ZNSt8ios_base4InitC1Ev") : NULL;
    if (!function || !dladdr(function, &library))
        return;
    libstdcxx = library.dli_fbase;
    cout_object = dlsym(RTLD_DEFAULT, "_ZSt4cout");
}

__attribute__((constructor)) static void keep_what_is_printed(void)
{
    static char stack[STACK_BYTES];
    static const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
    forget_variable();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!gnu_get_libc_version)
        return;
    find_cout();
    /* A recursion without end has no stack left for a handler. */
    sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++)
        handle(SIGNALS[i]);
}
