/*
 * preload: what forkserver.c and preload.c have agreed on. The one sends an order with the program's three streams for
 * each step, the other answers it once.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <stdint.h>

enum { CONTROL_FD = 3, PRELOAD_FD = 4, STREAMS = 3 };

/* Names the script at whose opening the interpreter is to wait. */
#define SCRIPT_VARIABLE "GEXEC_SCRIPT"

struct order {
    uint64_t file_size_bytes;
    uint32_t open_files;
    uint32_t uid;
};

/* Where error is not 0, the process that the pid names, if it names one, is about to exit. */
struct answer {
    int32_t pid;
    int32_t error;
};

#endif
