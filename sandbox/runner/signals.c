/* signals: see signals.h for the theory of operation. */
#define _GNU_SOURCE
#include "signals.h"

#include "fault.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The size of the kernel's own set of signals, which is not the C library's sigset_t. */
enum { KERNEL_SIGSET_BYTES = 8 };

/*
 * Whatever the container engine was started with comes down to here, and would go on to the programs. The C library
 * keeps two signals to itself and refuses to touch them, so the kernel is asked; a record of zeroes is the default
 * action.
 */
static void reset_actions(void)
{
    static const unsigned long default_action[4];
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, default_action, NULL, KERNEL_SIGSET_BYTES);
}

int signals_open(void)
{
    sigset_t all, read;
    sigfillset(&all);
    sigemptyset(&read);
    sigaddset(&read, SIGCHLD);
    sigaddset(&read, SIGTERM);
    reset_actions();
    if (sigprocmask(SIG_SETMASK, &all, NULL))
        die("block signals");
    int fd = signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("open a signalfd");
    return fd;
}

void signals_read(int fd)
{
    struct signalfd_siginfo seen[8];
    ssize_t length;
    while ((length = read(fd, seen, sizeof(seen))) > 0)
        for (size_t i = 0; i < (size_t)length / sizeof(seen[0]); i++)
            if (seen[i].ssi_signo == SIGTERM)
                end_container(0);
}
