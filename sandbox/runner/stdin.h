/*
 * stdin: the bytes that the pool has sent for the program's stdin and that the program has not read yet.
 *
 * Theory of operation: a ring, as large as the window that the pool keeps to, so there is always room for what it
 * sends, and a `K` behind it is always seen. What went to the program, or was dropped because it reads no more, is
 * acknowledged to the pool in lumps. PROTOCOL.md has the rules of the window.
 */
#ifndef STDIN_H
#define STDIN_H

#include "frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* A quarter of the window: the pool always has something to send while a lump is on its way. */
    ACKNOWLEDGE_BYTES = STDIN_WINDOW / 4,
};

struct stdin_ring {
    /* On pages of its own, which go back to the kernel after a job. */
    _Alignas(4096) uint8_t bytes[STDIN_WINDOW];
    size_t head;
    size_t length;
    uint32_t unacknowledged;
    bool closing;
};

/* A new step: the ring is empty and its window full again. */
void stdin_reset(struct stdin_ring *ring);

/* Takes an `I` frame's bytes; none close the stdin once the others are written. Dies where the window is overrun. */
void stdin_append(struct stdin_ring *ring, const uint8_t *bytes, size_t length);

/*
 * Writes to the pipe what it takes, at most so much, and closes it (-1) after the last byte or where the program has
 * closed its end. Returns how much it wrote.
 */
size_t stdin_pump(struct stdin_ring *ring, int *pipe, size_t most);

void stdin_release_memory(struct stdin_ring *ring);

#endif
