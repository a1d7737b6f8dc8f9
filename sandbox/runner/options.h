/* options: the runner's command line, as PROTOCOL.md has it. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "launch.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_WIPED = 8 };

struct options {
    bool hold;
    bool own_network;
    bool terminal;
    struct account account;
    uid_t ahead_uid;
    uint64_t stack_bytes;
    unsigned processes;
    /* Who root of a cell is outside of it; 0: no cells. */
    uid_t cell_root;
    const char *work;
    const char *wiped[MAX_WIPED];
    int wiped_count;
};

/* Ends the process with a line on how it is used where something is unknown or missing. */
void take_options(int argc, char **argv, struct options *options);

_Noreturn void usage(void);

#endif
