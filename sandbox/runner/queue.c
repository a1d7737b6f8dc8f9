/* queue: see queue.h for the theory of operation. */
#define _GNU_SOURCE
#include "queue.h"

#include "fault.h"
#include "frames.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = OUTPUT_HEADER_BYTES + MAX_OUTPUT_CHUNK,
    /* More than a fault or a result may have: their texts are bounded by 512 and 256 bytes. */
    FRAME_BYTES = 1024,
    RESERVE_BYTES = 4 * FRAME_BYTES,
    /* A pipe holds 64 KiB, as a chunk does: both streams can be emptied while two chunks are still on their way. */
    QUEUE_BYTES = 4 * CHUNK_BYTES + RESERVE_BYTES,
    PAGE_BYTES = 4096,
};

static struct {
    _Alignas(PAGE_BYTES) uint8_t bytes[QUEUE_BYTES];
    size_t head;
    size_t tail;
} queue;

static void move_to_front(void)
{
    if (queue.head == 0)
        return;
    memmove(queue.bytes, queue.bytes + queue.head, queue.tail - queue.head);
    queue.tail -= queue.head;
    queue.head = 0;
}

static bool has_room(size_t size)
{
    if (QUEUE_BYTES - queue.tail < size)
        move_to_front();
    return QUEUE_BYTES - queue.tail >= size;
}

uint8_t *queue_room_for_frame(void)
{
    if (!has_room(FRAME_BYTES))
        end_container(1);
    return queue.bytes + queue.tail;
}

bool queue_has_room_for_output(void)
{
    return has_room(CHUNK_BYTES + RESERVE_BYTES);
}

uint8_t *queue_room_for_output(void)
{
    return queue.bytes + queue.tail;
}

void queue_add(size_t size)
{
    queue.tail += size;
}

bool queue_flush(void)
{
    while (queue.head < queue.tail) {
        ssize_t written = write(STDOUT_FILENO, queue.bytes + queue.head, queue.tail - queue.head);
        if (written < 0)
            return errno == EAGAIN || errno == EINTR;
        queue.head += (size_t)written;
    }
    queue.head = queue.tail = 0;
    return true;
}

bool queue_is_empty(void)
{
    return queue.head == queue.tail;
}

void queue_release_memory(void)
{
    if (queue.tail == 0)
        madvise(queue.bytes, sizeof(queue.bytes), MADV_DONTNEED);
}
