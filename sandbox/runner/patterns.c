/* patterns: see patterns.h for the theory of operation. */
#include "patterns.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How many bytes a character has after its first one, and the least that it may stand for; 0 for what begins none. */
static int more_bytes(uint8_t first, uint32_t *bits, uint32_t *least)
{
    if (first < 0x80) {
        *bits = first, *least = 0;
        return 0;
    }
    if (first >= 0xc0 && first < 0xe0) {
        *bits = first & 0x1f, *least = 0x80;
        return 1;
    }
    if (first >= 0xe0 && first < 0xf0) {
        *bits = first & 0x0f, *least = 0x800;
        return 2;
    }
    *bits = first & 0x07, *least = 0x10000;
    return first >= 0xf0 && first < 0xf8 ? 3 : -1;
}

bool is_utf8(const char *text)
{
    for (const uint8_t *at = (const uint8_t *)text; *at;) {
        uint32_t value, least;
        int more = more_bytes(*at++, &value, &least);
        if (more < 0)
            return false;
        for (; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80)
                return false;
            value = value << 6 | (*at & 0x3f);
        }
        if (value < least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
            return false;
    }
    return true;
}

static size_t component_length(const char *path)
{
    return strcspn(path, "/");
}

/* The next component; NULL after the last. */
static const char *next_component(const char *path)
{
    path += component_length(path);
    return *path ? path + 1 : NULL;
}

static size_t character_length(const char *text)
{
    size_t length = 1;
    while (((uint8_t)text[length] & 0xc0) == 0x80)
        length++;
    return length;
}

static bool component_fits(const char *pattern, const char *name)
{
    const char *pattern_end = pattern + component_length(pattern), *end = name + component_length(name);
    const char *after_star = NULL, *resume = NULL;
    while (name < end) {
        if (pattern < pattern_end && *pattern == '*') {
            after_star = ++pattern;
            resume = name;
        } else if (pattern < pattern_end && *pattern == '?') {
            pattern++;
            name += character_length(name);
        } else if (pattern < pattern_end && *pattern == *name) {
            pattern++;
            name++;
        } else if (after_star) {
            resume += character_length(resume);
            name = resume;
            pattern = after_star;
        } else {
            return false;
        }
    }
    while (pattern < pattern_end && *pattern == '*')
        pattern++;
    return pattern == pattern_end;
}

static bool is_any_components(const char *pattern)
{
    return component_length(pattern) == 2 && pattern[0] == '*' && pattern[1] == '*';
}

bool pattern_fits(const char *pattern, const char *path)
{
    const char *after_any = NULL, *resume = NULL;
    while (path) {
        if (pattern && is_any_components(pattern)) {
            after_any = pattern = next_component(pattern);
            resume = path;
            if (!pattern)
                return true;
        } else if (pattern && component_fits(pattern, path)) {
            pattern = next_component(pattern);
            path = next_component(path);
        } else if (after_any) {
            path = resume = next_component(resume);
            pattern = after_any;
        } else {
            return false;
        }
    }
    return !pattern;
}
