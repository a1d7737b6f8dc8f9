/*
 * fault: the ways in which the container ends before its time.
 *
 * die() is for our own faults and for a pool that breaks the protocol: it says `!` and ends the container. What a
 * program does wrong is never a reason to die, only a result.
 */
#ifndef FAULT_H
#define FAULT_H

/* Ends every process, and with this one the container. */
_Noreturn void end_container(int code);

/* Says what could not be done, with errno where it is not 0, and ends the container. */
_Noreturn void die(const char *what);

/* The pool broke the protocol: errno has nothing to say. */
_Noreturn void refuse(const char *what);

/* For what returns NULL, or what could not be done with errno set. */
void must(const char *failed);

#endif
