/* stdin: see stdin.h for the theory of operation. */
#define _GNU_SOURCE
#include "stdin.h"

#include "fault.h"
#include "fd.h"
#include "queue.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void stdin_reset(struct stdin_ring *ring)
{
    ring->head = ring->length = ring->unacknowledged = 0;
    ring->closing = false;
}

static void acknowledge(struct stdin_ring *ring, size_t size)
{
    ring->unacknowledged += (uint32_t)size;
    if (ring->unacknowledged < ACKNOWLEDGE_BYTES)
        return;
    queue_add(put_window(queue_room_for_frame(), ring->unacknowledged));
    ring->unacknowledged = 0;
}

/* What nobody will read has its place in the window back, so that the pool does not wait for it. */
static void drop(struct stdin_ring *ring, int *pipe)
{
    acknowledge(ring, ring->length);
    ring->length = 0;
    close_fd(pipe);
}

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

size_t stdin_pump(struct stdin_ring *ring, int *pipe, size_t most)
{
    size_t left = most;
    while (ring->length > 0 && *pipe >= 0) {
        size_t size = smaller(left, smaller(ring->length, STDIN_WINDOW - ring->head));
        if (size == 0)
            return most - left;
        ssize_t written = write(*pipe, ring->bytes + ring->head, size);
        if (written < 0 && errno == EAGAIN)
            return most - left;
        /* The program has closed its end. SIGPIPE is blocked, so this is an error like any other. */
        if (written < 0)
            break;
        ring->head = (ring->head + (size_t)written) % STDIN_WINDOW;
        ring->length -= (size_t)written;
        left -= (size_t)written;
        acknowledge(ring, (size_t)written);
    }
    if (ring->length > 0 || ring->closing)
        drop(ring, pipe);
    return most - left;
}

void stdin_append(struct stdin_ring *ring, const uint8_t *bytes, size_t length)
{
    if (length > STDIN_WINDOW - ring->length || (length > 0 && ring->closing))
        refuse("more stdin than the window allows");
    /* In two pieces where the ring's end lies between. */
    size_t at = (ring->head + ring->length) % STDIN_WINDOW;
    size_t straight = STDIN_WINDOW - at < length ? STDIN_WINDOW - at : length;
    memcpy(ring->bytes + at, bytes, straight);
    memcpy(ring->bytes, bytes + straight, length - straight);
    ring->length += length;
    ring->closing = ring->closing || length == 0;
}

void stdin_release_memory(struct stdin_ring *ring)
{
    madvise(ring->bytes, sizeof(ring->bytes), MADV_DONTNEED);
}
