/*
 * interpreter: what the tests start ahead. It draws a number, as an interpreter has a state after its start, opens its
 * script, and becomes a shell that runs it and finds the number in $BOOT.
 *
 * usage: interpreter [slow|stuck|other|twice|helped|wrapped] SCRIPT
 *
 * slow: the start takes 100 ms of CPU time, and 200 more. stuck: it never comes to the script. other: it opens the
 * script by a way that preload.c does not know. twice: it looks into the script before. helped: a process that it has
 * started beside itself runs the script too, as soon as there is something in it. wrapped: that process alone does, and
 * this one waits.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void run_when_there_is_something(const char *path)
{
    char byte;
    for (;;) {
        int fd = open(path, O_RDONLY);
        if (fd >= 0 && read(fd, &byte, 1) == 1)
            execl("/bin/sh", "sh", path, (char *)NULL);
        close(fd);
        usleep(100);
    }
}

static FILE *open_script(const char *manner, const char *path)
{
    while (strcmp(manner, "slow") == 0 && clock() < CLOCKS_PER_SEC / 10)
        continue;
    if (strcmp(manner, "slow") == 0)
        usleep(200 * 1000);
    while (strcmp(manner, "stuck") == 0)
        pause();
    if (strcmp(manner, "helped") == 0 && fork() == 0)
        run_when_there_is_something(path);
    if (strcmp(manner, "wrapped") == 0 && fork() == 0)
        run_when_there_is_something(path);
    while (strcmp(manner, "wrapped") == 0)
        pause();
    if (strcmp(manner, "other") == 0)
        return fdopen(open(path, O_RDONLY), "r");
    if (strcmp(manner, "twice") == 0) {
        FILE *first = fopen(path, "r");
        if (first)
            fclose(first);
    }
    return fopen(path, "r");
}

int main(int argc, char **argv)
{
    static char text[1 << 16], number[32];
    unsigned long drawn = 0;
    FILE *source = fopen("/dev/urandom", "r");
    if (!source || fread(&drawn, sizeof(drawn), 1, source) != 1)
        return 2;
    fclose(source);
    snprintf(number, sizeof(number), "%lu", drawn);
    FILE *script = open_script(argc > 2 ? argv[1] : "", argv[argc - 1]);
    if (!script)
        return 3;
    text[fread(text, 1, sizeof(text) - 1, script)] = 0;
    fclose(script);
    setenv("BOOT", number, 1);
    execl("/bin/sh", "sh", "-c", text, (char *)NULL);
    return 4;
}
