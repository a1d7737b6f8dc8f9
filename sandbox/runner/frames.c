/* frames: see frames.h for the theory of operation. */
#include "frames.h"

#include <signal.h>
#include <string.h>

/* The version of the frames, and what stands in front of the texts of each; PROTOCOL.md has the fields. */
enum {
    VERSION = 1,
    FILE_HEAD_BYTES = 3,
    STEP_HEAD_BYTES = 41,
    SIZE_BYTES = 4,
    AHEAD_HEAD_BYTES = 4,
    COLLECT_HEAD_BYTES = 12
};
enum {
    FILE_EXECUTABLE = 1,
    FILE_APPEND = 2,
    FILE_REPLACE = 4,
    STEP_LARGE_FILES_FAIL = 1,
    STEP_MERGED = 2,
    STEP_TERMINAL = 4
};

static const char HOST_TYPES[] = "AFBSIKPEGZ";

static uint64_t get(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

/* Returns where the next field goes. */
static uint8_t *put(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        to[i] = (uint8_t)value;
        value >>= 8;
    }
    return to + bytes;
}

/* A type that is unknown is seen at once: who waits for the length of garbage may wait for ever. */
enum frame_state next_frame(uint8_t *bytes, size_t length, struct frame *frame)
{
    if (length > 0 && (bytes[0] == 0 || !strchr(HOST_TYPES, bytes[0])))
        return FRAME_BAD;
    if (length < HEADER_BYTES)
        return FRAME_PARTIAL;
    frame->type = bytes[0];
    frame->payload = bytes + HEADER_BYTES;
    frame->length = get(bytes + 1, 4);
    if (frame->length > MAX_HOST_PAYLOAD)
        return FRAME_BAD;
    return length - HEADER_BYTES < frame->length ? FRAME_PARTIAL : FRAME_WHOLE;
}

static bool good_component(const char *name, size_t length)
{
    if (length == 0 || length > MAX_COMPONENT_BYTES)
        return false;
    return !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

static bool good_name(const char *name, size_t length)
{
    size_t start = 0;
    int components = 0;
    if (memchr(name, 0, length))
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && name[i] != '/')
            continue;
        if (++components > MAX_COMPONENTS || !good_component(name + start, i - start))
            return false;
        start = i + 1;
    }
    return true;
}

bool parse_file(const struct frame *frame, struct file_frame *file)
{
    if (frame->length < FILE_HEAD_BYTES)
        return false;
    uint8_t flags = frame->payload[0];
    size_t length = get(frame->payload + 1, 2);
    bool odd = flags & ~(FILE_EXECUTABLE | FILE_APPEND | FILE_REPLACE) || (flags & FILE_APPEND && flags & FILE_REPLACE);
    if (odd || length > MAX_NAME_BYTES || length > frame->length - FILE_HEAD_BYTES)
        return false;
    memcpy(file->name, frame->payload + FILE_HEAD_BYTES, length);
    file->name[length] = 0;
    file->executable = flags & FILE_EXECUTABLE;
    file->append = flags & FILE_APPEND;
    file->replace = flags & FILE_REPLACE;
    file->content = frame->payload + FILE_HEAD_BYTES + length;
    file->content_length = frame->length - FILE_HEAD_BYTES - length;
    return good_name(file->name, length);
}

struct cursor {
    uint8_t *at;
    size_t left;
};

/* The text moves down over its length's four bytes, and the NUL goes where its last ones were. */
static char *take_text(struct cursor *cursor)
{
    if (cursor->left < 4)
        return NULL;
    size_t length = get(cursor->at, 4);
    char *text = (char *)cursor->at;
    if (length > cursor->left - 4 || memchr(cursor->at + 4, 0, length))
        return NULL;
    memmove(text, cursor->at + 4, length);
    text[length] = 0;
    cursor->at += 4 + length;
    cursor->left -= 4 + length;
    return text;
}

static bool take_texts(struct cursor *cursor, char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        texts[i] = take_text(cursor);
        if (!texts[i])
            return false;
    }
    texts[count] = NULL;
    return true;
}

/* exec would take anything; what has no name would be found by nobody, and differently by different programs. */
static bool all_are_variables(char *const *texts)
{
    for (; *texts; texts++)
        if (!strchr(*texts, '=') || **texts == '=')
            return false;
    return true;
}

/* A window without columns or rows is one of unknown size to programs, which some divide by. */
static bool take_size(struct cursor *cursor, struct terminal_size *size)
{
    if (cursor->left < SIZE_BYTES)
        return false;
    size->columns = (uint16_t)get(cursor->at, 2);
    size->rows = (uint16_t)get(cursor->at + 2, 2);
    cursor->at += SIZE_BYTES;
    cursor->left -= SIZE_BYTES;
    return size->columns > 0 && size->rows > 0;
}

bool parse_step(struct frame *frame, struct step_frame *step)
{
    const uint8_t *head = frame->payload;
    if (frame->length < STEP_HEAD_BYTES)
        return false;
    step->wall_ms = (uint32_t)get(head, 4);
    step->cpu_ms = (uint32_t)get(head + 4, 4);
    step->output_bytes = get(head + 8, 8);
    step->file_size_bytes = get(head + 16, 8);
    step->memory_bytes = get(head + 24, 8);
    step->open_files = (uint32_t)get(head + 32, 4);
    uint8_t flags = head[36];
    size_t argc = get(head + 37, 2);
    size_t envc = get(head + 39, 2);
    struct cursor cursor = {frame->payload + STEP_HEAD_BYTES, frame->length - STEP_HEAD_BYTES};
    if (flags & ~(STEP_LARGE_FILES_FAIL | STEP_MERGED | STEP_TERMINAL) || argc == 0)
        return false;
    step->large_files_fail = flags & STEP_LARGE_FILES_FAIL;
    step->merged = flags & STEP_MERGED;
    step->on_terminal = flags & STEP_TERMINAL;
    if (step->on_terminal && !take_size(&cursor, &step->size))
        return false;
    return take_texts(&cursor, step->argv, argc) && take_texts(&cursor, step->envp, envc) && cursor.left == 0 &&
           all_are_variables(step->envp);
}

bool parse_ahead(struct frame *frame, struct ahead_frame *ahead)
{
    if (frame->length < AHEAD_HEAD_BYTES)
        return false;
    size_t argc = get(frame->payload, 2);
    size_t envc = get(frame->payload + 2, 2);
    struct cursor cursor = {frame->payload + AHEAD_HEAD_BYTES, frame->length - AHEAD_HEAD_BYTES};
    if (argc == 0 || argc > MAX_AHEAD_TEXTS || envc > MAX_AHEAD_TEXTS)
        return false;
    ahead->script = take_text(&cursor);
    return ahead->script && strlen(ahead->script) <= MAX_NAME_BYTES &&
           good_name(ahead->script, strlen(ahead->script)) && take_texts(&cursor, ahead->argv, argc) &&
           take_texts(&cursor, ahead->envp, envc) && cursor.left == 0 && all_are_variables(ahead->envp);
}

bool parse_collect(struct frame *frame, struct collect_frame *collect)
{
    if (frame->length < COLLECT_HEAD_BYTES)
        return false;
    collect->max_files = (unsigned)get(frame->payload, 2);
    collect->max_bytes = get(frame->payload + 2, 8);
    size_t count = get(frame->payload + 10, 2);
    struct cursor cursor = {frame->payload + COLLECT_HEAD_BYTES, frame->length - COLLECT_HEAD_BYTES};
    if (collect->max_files > MAX_ARTIFACTS || count > MAX_PATTERNS || !take_texts(&cursor, collect->patterns, count) ||
        cursor.left != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strlen(collect->patterns[i]) > MAX_NAME_BYTES ||
            !good_name(collect->patterns[i], strlen(collect->patterns[i])))
            return false;
    return true;
}

bool parse_signal(const struct frame *frame, int *number)
{
    static const int PASSED_ON[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH};
    if (frame->length != 1)
        return false;
    *number = frame->payload[0];
    for (size_t i = 0; i < sizeof(PASSED_ON) / sizeof(PASSED_ON[0]); i++)
        if (PASSED_ON[i] == *number)
            return true;
    return false;
}

bool parse_size(const struct frame *frame, struct terminal_size *size)
{
    struct cursor cursor = {frame->payload, frame->length};
    return take_size(&cursor, size) && cursor.left == 0;
}

static size_t put_header(uint8_t *to, char type, size_t length)
{
    to[0] = (uint8_t)type;
    put(to + 1, length, 4);
    return HEADER_BYTES + length;
}

size_t put_output_header(uint8_t *to, int stream, size_t length)
{
    to[HEADER_BYTES] = (uint8_t)(stream + 1);
    return put_header(to, 'O', 1 + length);
}

size_t put_ready(uint8_t *to, uint32_t jobs_done, bool in_cell)
{
    put(put(put(to + HEADER_BYTES, VERSION, 2), jobs_done, 4), in_cell ? READY_IN_CELL : 0, 1);
    return put_header(to, 'R', 7);
}

size_t put_window(uint8_t *to, uint32_t size)
{
    put(to + HEADER_BYTES, size, 4);
    return put_header(to, 'W', 4);
}

size_t put_result(uint8_t *to, const struct result *result)
{
    size_t detail = strlen(result->detail);
    uint8_t *at = to + HEADER_BYTES;
    at = put(at, result->reason, 1);
    at = put(at, result->exit_code, 1);
    at = put(at, result->signal, 1);
    at = put(at, result->flags, 1);
    at = put(at, result->wall_us, 8);
    at = put(at, result->cpu_us, 8);
    at = put(at, result->peak_memory_bytes, 8);
    at = put(at, detail, 4);
    memcpy(at, result->detail, detail);
    return put_header(to, 'X', RESULT_FIXED_BYTES + 4 + detail);
}

size_t put_artifact(uint8_t *to, int taken, uint64_t size, const char *name)
{
    size_t length = strlen(name);
    memcpy(put(put(to + HEADER_BYTES, (uint64_t)taken, 1), size, 8), name, length);
    return put_header(to, 'N', 1 + 8 + length);
}

size_t put_artifact_data(uint8_t *to, size_t length)
{
    return put_header(to, 'D', length);
}

size_t put_collected(uint8_t *to)
{
    return put_header(to, 'C', 0);
}

size_t put_fault(uint8_t *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to + HEADER_BYTES, text, length);
    return put_header(to, '!', length);
}
