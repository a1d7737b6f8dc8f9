/*
 * frames: the bytes between the pool and the runner, taken apart and put together.
 *
 * Theory of operation: nothing here does I/O or keeps state. next_frame() looks at the start of a buffer and says
 * whether a whole frame is there; the parse functions take a payload apart in place. Texts are moved down over their
 * own length prefixes, which makes room for the NUL that exec wants without touching a byte beyond the payload.
 * Everything that the pool sends is checked here, so that the rest may rely on it. PROTOCOL.md is the page that this
 * follows; fuzz.c feeds it garbage.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEADER_BYTES = 5,
    MAX_HOST_PAYLOAD = 1024 * 1024,
    MAX_OUTPUT_CHUNK = 64 * 1024,
    OUTPUT_HEADER_BYTES = HEADER_BYTES + 1,
    STDIN_WINDOW = 256 * 1024,
    MAX_NAME_BYTES = 4096,
    MAX_COMPONENT_BYTES = 255,
    MAX_COMPONENTS = 32,
    MAX_TEXTS = 65535,
    RESULT_FIXED_BYTES = 28,
    MAX_AHEAD_PAYLOAD = 16 * 1024,
    MAX_AHEAD_TEXTS = 256,
    MAX_COLLECT_PAYLOAD = 256 * 1024,
    MAX_PATTERNS = 64,
    MAX_ARTIFACTS = 1000,
};

/* The flag of an R frame. */
enum { READY_IN_CELL = 1 };

/* Flags of a result. */
enum { RESULT_STDOUT_CUT = 1, RESULT_STDERR_CUT = 2, RESULT_AHEAD = 4 };

enum frame_state { FRAME_PARTIAL, FRAME_WHOLE, FRAME_BAD };

struct frame {
    uint8_t type;
    uint8_t *payload;
    size_t length;
};

struct file_frame {
    bool executable;
    bool append;
    /* In place of whatever has its name. */
    bool replace;
    char name[MAX_NAME_BYTES + 1];
    const uint8_t *content;
    size_t content_length;
};

struct terminal_size {
    uint16_t columns;
    uint16_t rows;
};

struct step_frame {
    uint32_t wall_ms;
    uint32_t cpu_ms;
    uint64_t output_bytes;
    uint64_t file_size_bytes;
    uint64_t memory_bytes;
    uint32_t open_files;
    bool large_files_fail;
    /* stderr is stdout's pipe. */
    bool merged;
    /* Its three streams are the container's terminal, of this size. */
    bool on_terminal;
    struct terminal_size size;
    char *argv[MAX_TEXTS + 1];
    char *envp[MAX_TEXTS + 1];
};

struct ahead_frame {
    char *script;
    char *argv[MAX_AHEAD_TEXTS + 1];
    char *envp[MAX_AHEAD_TEXTS + 1];
};

struct collect_frame {
    unsigned max_files;
    uint64_t max_bytes;
    char *patterns[MAX_PATTERNS + 1];
};

struct result {
    uint8_t reason;
    uint8_t exit_code;
    uint8_t signal;
    uint8_t flags;
    uint64_t wall_us;
    uint64_t cpu_us;
    uint64_t peak_memory_bytes;
    char detail[256];
};

/* Looks at the start of a buffer; a frame that is there takes HEADER_BYTES + frame->length bytes of it. */
enum frame_state next_frame(uint8_t *bytes, size_t length, struct frame *frame);

/* Take a payload apart; false for one of the wrong shape. Pointers go into the payload. */
bool parse_file(const struct frame *frame, struct file_frame *file);
bool parse_step(struct frame *frame, struct step_frame *step);
bool parse_ahead(struct frame *frame, struct ahead_frame *ahead);
bool parse_collect(struct frame *frame, struct collect_frame *collect);
bool parse_signal(const struct frame *frame, int *number);
bool parse_size(const struct frame *frame, struct terminal_size *size);

/*
 * Write a frame to `to` and return its size. The caller has made room. Of an O or D frame it is only what stands before
 * the bytes, whose length this is; the stream is 0 for stdout and 1 for stderr.
 */
size_t put_output_header(uint8_t *to, int stream, size_t length);
size_t put_ready(uint8_t *to, uint32_t jobs_done, bool in_cell);
size_t put_window(uint8_t *to, uint32_t size);
size_t put_result(uint8_t *to, const struct result *result);
size_t put_artifact(uint8_t *to, int taken, uint64_t size, const char *name);
size_t put_artifact_data(uint8_t *to, size_t length);
size_t put_collected(uint8_t *to);
size_t put_fault(uint8_t *to, const char *text);

#endif
