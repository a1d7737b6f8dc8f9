/* embed: a file that the build has made, as read-only bytes of the runner: `name`, and how many, `name`_size. */
#ifndef EMBED_H
#define EMBED_H

#include <stdint.h>

#define EMBED(name, file)                                                                                              \
    extern const uint8_t name[] __attribute__((visibility("hidden")));                                                 \
    extern const uint64_t name##_size __attribute__((visibility("hidden")));                                           \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".balign 8\n"                                                                                              \
            ".global " #name "\n.hidden " #name "\n" #name ":\n"                                                       \
            ".incbin \"" file "\"\n" #name "_end:\n"                                                                   \
            ".balign 8\n"                                                                                              \
            ".global " #name "_size\n.hidden " #name "_size\n" #name "_size:\n"                                        \
            ".quad " #name "_end - " #name "\n"                                                                        \
            ".popsection\n")

#endif
