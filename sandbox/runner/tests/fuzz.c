/*
 * fuzz: feeds the frame parser garbage. It is built with the sanitizers, which end it at the first wrong access.
 *
 * Theory of operation: a few well-formed frames are the seeds. Each round copies one to a block of exactly its size, so
 * that one byte beyond it is seen, changes some bytes, cuts or doubles it, and parses what next_frame() finds. The
 * random numbers are a fixed sequence: what fails once fails again. With libFuzzer, LLVMFuzzerTestOneInput is enough.
 */
#include "../frames.h"
#include "../patterns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t texts_in(char *const *texts)
{
    size_t total = 0;
    for (; *texts; texts++)
        total += strlen(*texts);
    return total;
}

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz: %s\n", what);
        abort();
    }
}

/* What has no star and no question mark fits itself alone, and what fits everything fits whatever is a name. */
static void match(const char *pattern)
{
    static const char *const PATHS[] = {"a", "aa", "a/b", "out/a/b/a.png", "\303\251/x", "a.", "b/a/a/a/a/a/a/a/b"};
    if (!is_utf8(pattern))
        return;
    check(pattern_fits(pattern, pattern) || strpbrk(pattern, "*?"), "a name fits itself");
    check(pattern_fits("**", pattern), "everything fits");
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++)
        check(!pattern_fits(pattern, PATHS[i]) || strpbrk(pattern, "*?") || strcmp(pattern, PATHS[i]) == 0,
              "no more fits");
}

static void parse(struct frame *frame)
{
    static struct step_frame step;
    static struct file_frame file;
    static struct ahead_frame ahead;
    static struct collect_frame collect;
    struct terminal_size size;
    int number;
    if (frame->type == 'F' && parse_file(frame, &file)) {
        check(file.content + file.content_length == frame->payload + frame->length, "the content ends with the frame");
        check(file.name[0] != '/' && !strstr(file.name, "//"), "the name is relative");
        check(!(file.append && file.replace), "what is appended to is not replaced");
    }
    if (frame->type == 'S' && parse_step(frame, &step))
        check(step.argv[0] && texts_in(step.argv) + texts_in(step.envp) <= frame->length, "the texts are in the frame");
    if (frame->type == 'A' && parse_ahead(frame, &ahead))
        check(ahead.argv[0] && texts_in(ahead.argv) + texts_in(ahead.envp) + strlen(ahead.script) <= frame->length,
              "the texts are in the frame");
    if (frame->type == 'G' && parse_signal(frame, &number))
        check(number > 0 && number < 32 && number != 9 && number != 19, "the signal can be caught");
    if (frame->type == 'Z' && parse_size(frame, &size))
        check(size.columns > 0 && size.rows > 0, "the window has a size");
    if (frame->type == 'P' && parse_collect(frame, &collect)) {
        check(texts_in(collect.patterns) <= frame->length, "the patterns are in the frame");
        for (char *const *pattern = collect.patterns; *pattern; pattern++)
            match(*pattern);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame frame;
    size_t done = 0;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    while (next_frame(copy + done, size - done, &frame) == FRAME_WHOLE) {
        parse(&frame);
        done += HEADER_BYTES + frame.length;
    }
    free(copy);
    return 0;
}

#ifndef LIBFUZZER
static const struct {
    size_t size;
    const char *bytes;
} SEEDS[] = {
    {15, "F\0\0\0\12\1\0\4a/.bxyz"},
    {56, "S\0\0\0\63\0\0\3\350\0\0\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\20\0\0\0\0\0\100\0\0\2\0\1"
         "\0\0\0\1a\0\0\0\0\0\0\0\5A=b\0c"},
    {62,
     "S\000\000\000\071\000\000\003\350\000\000\000\000\000\000\000\000\000\000\020\000\000\000\000\000\000\000\020\000"
     "\000\000\000\000\000\020\000\000\000\000\000@"
     "\003\000\002\000\001\000\000\000\001a\000\000\000\000\000\000\000\003A=b"},
    {27, "A\0\0\0\26\0\1\0\1\0\0\0\1a\0\0\0\2py\0\0\0\3A=b"},
    {9, "I\0\0\0\4abcd"},
    {15, "F\0\0\0\12\5\0\4a/.bxyz"},
    {5, "B\0\0\0\0"},
    {34, "P\0\0\0\35\0\2\0\0\0\0\0\0\20\0\0\2\0\0\0\4a/**\0\0\0\5*.p?g"},
    {5, "K\0\0\0\0"},
    {5, "E\0\0\0\0"},
    {70, "S\000\000\000A\000\011'"
         "\300\000\000\023\210\000\000\000\000\000\000\020\000\000\000\000\000\000\001\000\000\000\000\000\000\000\000"
         "\000\000\000\000\000@\004\000\001\000\001\000P\000\030\000\000\000\002sh\000\000\000\012TERM=xterm"},
    {6, "G\000\000\000\001\002"},
    {9, "Z\000\000\000\004\000d\000\036"},
};

static uint64_t state = 0x9e3779b97f4a7c15;

static size_t below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % bound);
}

static const uint8_t TELLING[] = {0, 1, 2, 4, '.', '/', '=', 0x7f, 0x80, 0xff, 'A', 'F', 'S'};

static size_t mutate(uint8_t *bytes, size_t room)
{
    size_t seed = below(sizeof(SEEDS) / sizeof(SEEDS[0]));
    size_t size = SEEDS[seed].size;
    memcpy(bytes, SEEDS[seed].bytes, size);
    if (below(4) == 0 && size * 2 <= room) {
        memcpy(bytes + size, bytes, size);
        size *= 2;
    }
    for (size_t changes = below(6); changes > 0; changes--)
        bytes[below(size)] = below(2) ? TELLING[below(sizeof(TELLING))] : (uint8_t)below(256);
    return below(3) ? size : below(size + 1);
}

int main(int argc, char **argv)
{
    static uint8_t bytes[256];
    long rounds = argc > 1 ? atol(argv[1]) : 1000000;
    for (long i = 0; i < rounds; i++)
        LLVMFuzzerTestOneInput(bytes, mutate(bytes, sizeof(bytes)));
    printf("%ld rounds\n", rounds);
    return 0;
}
#endif
