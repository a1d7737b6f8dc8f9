/*
 * locks: bounds the file locks that programs hold.
 *
 * Theory of operation: a lock on a range of a file costs the kernel some 200 bytes that no memory limit counts, and a
 * file can have as many as it has bytes. Databases need a few. So the system call filter sends the calls that take one
 * to the runner, which lets the kernel go on with so many and then looks, in the kernel's own list, how many are left:
 * who gives locks back may take them for ever. The calls' arguments are never looked at, since a program could change
 * them in between. Where the kernel cannot send calls, they are refused (guard.c).
 */
#ifndef LOCKS_H
#define LOCKS_H

/* Once, before the list is hidden from programs. */
void locks_open(void);

/* For every job: nothing is locked. */
void locks_restart(void);

/* Answers one call that waits at the listener of the filter. */
void locks_answer(int listener);

#endif
