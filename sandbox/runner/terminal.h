/*
 * terminal: the pseudo-terminal of a container that was made with one (--terminal).
 *
 * Theory of operation: it is opened before the system call filter stands, since making one takes calls that no program
 * may make, and then its mount makes no other: the guest has this terminal, no master of any, and of its calls those
 * that a terminal's user needs. The other end, the master, is where the runner reads what the program prints and writes
 * what somebody types. One step has it, and after that nobody: what one has left in it is no business of the next.
 *
 * What goes through a terminal is moved by threads of the kernel's, at no container's cost. So both ways are slowed
 * down: what is typed comes in a trickle after the first pages, and after each look at the output follows a pause, as
 * long as what the kernel may have done for it asks for (step.c).
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "frames.h"
#include "launch.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    /* So much may be typed, or pasted, at once; and so much a second. In the worst case each byte is a signal to every
       process of the program's. */
    TYPED_AT_ONCE_BYTES = 16 * 1024,
    TYPED_PER_SECOND_BYTES = 16 * 1024,
};

/* At the start, while everything is still allowed. Returns NULL, or what could not be done. */
const char *terminal_open(const struct account *account);

/* Whether there is one that no step has had. */
bool terminal_is_there(void);

/*
 * Both ends for the one step that may have it: the runner's in `program`; the program's is opened by its name, which is
 * returned. There has to be one. NULL, with errno, where it failed.
 */
const char *terminal_give(struct program *program, const struct terminal_size *size);

/* The program's window is another size now; whoever is in the foreground gets SIGWINCH. */
void terminal_resize(int master, const struct terminal_size *size);

/* The process group in the foreground; 0 where there is none. */
pid_t terminal_foreground(int master);

#endif
