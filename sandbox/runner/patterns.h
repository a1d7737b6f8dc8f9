/*
 * patterns: which paths are meant.
 *
 * Theory of operation: in a pattern `*` stands for any characters of one component, `?` for one character, and `**`, as
 * a component, for any number of components, at the end at least one. Nothing else is special. Where something does not
 * fit, only the last star of the component, or the last `**`, is tried further on: what earlier ones could do besides,
 * it can do too. So a pattern takes at most the product of both lengths, whatever is in it.
 */
#ifndef PATTERNS_H
#define PATTERNS_H

#include <stdbool.h>

/* Both are relative and UTF-8. */
bool pattern_fits(const char *pattern, const char *path);

bool is_utf8(const char *text);

#endif
