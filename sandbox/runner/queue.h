/*
 * queue: the frames that are on their way to the pool.
 *
 * Theory of operation: frames are written straight to the queue's end, and queue_flush() hands as many bytes to the
 * stdout as it takes. There is one queue, because there is one pool, and die() must reach it from anywhere. Its size is
 * bounded: where there is no room for a chunk of output the program's pipes are not read, and the program waits. Output
 * never takes the last RESERVE_BYTES, so a result always finds room; only a pool that never reads uses them up, with
 * the frames that it causes itself, and that ends the container.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the next frame goes, which is any but `O`. Ends the container where there is no room. */
uint8_t *queue_room_for_frame(void);

/* Whether a chunk of output fits, and where it goes if it does. */
bool queue_has_room_for_output(void);
uint8_t *queue_room_for_output(void);

/* So many bytes were written where the next frame goes. */
void queue_add(size_t size);

/* Writes what the pool takes without waiting. False where the pool is gone. */
bool queue_flush(void);

bool queue_is_empty(void);

/* Gives the pages of an empty queue back to the kernel. */
void queue_release_memory(void);

#endif
