/* options: see options.h. */
#define _GNU_SOURCE
#include "options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void usage(void)
{
    fputs("usage: runner --uid N --gid N [--ahead-uid N] [--net unshare|keep] [--stack BYTES] [--processes N] "
          "[--terminal] [--cells N]\n"
          "              --work DIR [--wipe DIR]...\n"
          "       runner --hold\n",
          stderr);
    exit(2);
}

/* Of a user: not 0, which is root, and not the largest, which means "unchanged" to the kernel. */
static unsigned positive_number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || value == 0 || value >= UINT32_MAX)
        usage();
    return (unsigned)value;
}

static uint64_t size(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || end == text || value == 0)
        usage();
    return value;
}

static const struct option OPTIONS[] = {
    {"uid", required_argument, NULL, 'u'},
    {"gid", required_argument, NULL, 'g'},
    {"ahead-uid", required_argument, NULL, 'a'},
    {"processes", required_argument, NULL, 'p'},
    {"work", required_argument, NULL, 'w'},
    {"wipe", required_argument, NULL, 'x'},
    {"net", required_argument, NULL, 'n'},
    {"stack", required_argument, NULL, 's'},
    {"terminal", no_argument, NULL, 't'},
    {"cells", required_argument, NULL, 'c'},
    {"hold", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void take_option(int option, struct options *options)
{
    if (option == 'u')
        options->account.uid = positive_number(optarg);
    else if (option == 'g')
        options->account.gid = positive_number(optarg);
    else if (option == 'a')
        options->ahead_uid = positive_number(optarg);
    else if (option == 'n' && (strcmp(optarg, "unshare") == 0 || strcmp(optarg, "keep") == 0))
        options->own_network = strcmp(optarg, "unshare") == 0;
    else if (option == 'c')
        options->cell_root = positive_number(optarg);
    else if (option == 't')
        options->terminal = true;
    else if (option == 's')
        options->stack_bytes = size(optarg);
    else if (option == 'p')
        options->processes = positive_number(optarg);
    else if (option == 'w')
        options->work = optarg;
    else if (option == 'x' && options->wiped_count < MAX_WIPED)
        options->wiped[options->wiped_count++] = optarg;
    else if (option == 'h')
        options->hold = true;
    else
        usage();
}

void take_options(int argc, char **argv, struct options *options)
{
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) >= 0)
        take_option(option, options);
    if (optind != argc || (!options->hold && (!options->account.uid || !options->account.gid || !options->work)))
        usage();
}
