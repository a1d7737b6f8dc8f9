/*
 * preload: what forkserver.c and preload.c have agreed on. The one sends a request with the program's three streams for
 * each step, and the namespaces of its cell where there are cells; the other replies once.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <stdint.h>

enum {
    STREAMS = 3,
    /*
     * The first two after the streams, so that one close_range() from there on closes whatever else there is. They are
     * fixed, because those who need them cannot be told: the dynamic linker finds the library by its number in /proc,
     * and preload.c has nothing but what it was compiled with. The second is closed before the interpreter's first
     * instruction, the first in every fork.
     */
    CONTROL_FD = STREAMS,
    PRELOAD_FD,
    /* Of a cell: that of process numbers, and then the others. */
    NAMESPACES = 6,
};

/* Names the script at whose opening the interpreter is to wait. */
#define SCRIPT_VARIABLE "GEXEC_SCRIPT"

/* What is written to one's own label, under AppArmor. */
#define PROGRAM_PROFILE "stack gexec-program"

/* The limits and the user of a step; its streams, and the namespaces, come beside it as descriptors. */
struct request {
    uint64_t file_size_bytes;
    uint64_t cpu_seconds;
    uint32_t open_files;
    uint32_t uid;
    /* Whether the fork goes into a cell, and whether a profile is to be added there. */
    uint16_t in_cell;
    uint16_t confined;
};

/* Where error is not 0, the process that the pid names, if it names one, is about to exit. */
struct reply {
    int32_t pid;
    int32_t error;
};

#endif
