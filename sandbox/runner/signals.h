/*
 * signals: none interrupts the runner.
 *
 * Theory of operation: every signal is blocked for good, so there are no handlers and no interrupted calls; the two
 * that mean something, SIGCHLD and SIGTERM, are read from a descriptor that the loop polls.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

/* Blocks all signals and returns the descriptor. */
int signals_open(void);

/* Reads what has come. SIGTERM ends the container; what SIGCHLD means is the caller's to find out. */
void signals_read(int fd);

#endif
