/* terminal: see terminal.h for the theory of operation. */
#define _GNU_SOURCE
#include "terminal.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MULTIPLEXER[] = "/dev/pts/ptmx";
static const char LINK[] = "/dev/ptmx";

static struct {
    int master;
    char path[32];
} terminal = {.master = -1};

/* The mount stays, so that a program finds its terminal's name, and root alone may make another terminal there. */
static bool close_multiplexer(void)
{
    return !chmod(MULTIPLEXER, 0) && (!chmod(LINK, 0) || errno == ENOENT);
}

const char *terminal_open(const struct account *account)
{
    int locked = 0;
    unsigned number;
    terminal.master = open(MULTIPLEXER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal.master < 0 || ioctl(terminal.master, TIOCSPTLCK, &locked) || ioctl(terminal.master, TIOCGPTN, &number))
        return "open a terminal";
    snprintf(terminal.path, sizeof(terminal.path), "/dev/pts/%u", number);
    if (chown(terminal.path, account->uid, account->gid) || chmod(terminal.path, 0600))
        return "hand the terminal over";
    return close_multiplexer() ? NULL : "close the way to other terminals";
}

bool terminal_is_there(void)
{
    return terminal.master >= 0;
}

const char *terminal_give(struct program *program, const struct terminal_size *size)
{
    int input = fcntl(terminal.master, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (input < 0)
        return NULL;
    program->in = input;
    program->streams[0] = terminal.master;
    program->streams[1] = -1;
    terminal.master = -1;
    terminal_resize(input, size);
    return terminal.path;
}

void terminal_resize(int master, const struct terminal_size *size)
{
    struct winsize window = {.ws_col = size->columns, .ws_row = size->rows};
    /* A terminal that was hung up has no size, and no program to tell. */
    if (ioctl(master, TIOCSWINSZ, &window))
        errno = 0;
}

pid_t terminal_foreground(int master)
{
    pid_t group = 0;
    return ioctl(master, TIOCGPGRP, &group) ? 0 : group;
}
