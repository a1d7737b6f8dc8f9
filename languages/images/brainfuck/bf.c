/* Runs a Brainfuck program: cells of eight bits without end to the right, and 0 where the input ends.
 *
 * The source becomes steps: equal signs in a row are one, and brackets know each other's places. Loops that programs
 * are full of are steps, too: those that empty a cell, add multiples of it to others, or look for the next empty one.
 * What is no sign of the language is a comment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
    char sign; /* one of + > . , [ ]; 0, which empties the cell; * and s, which are loops */
    long count;
    long offset; /* of the cell to which * adds the present one, count times */
    long line;
};

static struct step *steps;
static long length, room;
static unsigned char *cells;
static long cells_there;

static _Noreturn void fail(const char *file, long line, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s:%ld: %s\n", file, line, what);
    exit(1);
}

static void add(char sign, long count, long line)
{
    if (length == room) {
        room = room ? room * 2 : 1024;
        steps = realloc(steps, (size_t)room * sizeof *steps);
        if (!steps)
            fail("bf", line, "the program needs more memory than there is");
    }
    steps[length++] = (struct step){.sign = sign, .count = count, .line = line};
}

/* Adds to the step before where that is of the same kind. */
static void add_or_join(char sign, long count, long line)
{
    if (length && steps[length - 1].sign == sign)
        steps[length - 1].count += count;
    else
        add(sign, count, line);
}

/* Whether the loop comes back to its cell each time, having taken 1 from it and read and printed nothing. */
static int only_adds(const struct step *body, long steps_in_it)
{
    long place = 0, taken = 0;
    for (long at = 0; at < steps_in_it; at++) {
        if (body[at].sign == '>')
            place += body[at].count;
        else if (body[at].sign != '+')
            return 0;
        else if (place == 0)
            taken -= body[at].count;
    }
    return place == 0 && taken == 1;
}

/* Writes the loop's additions in place of its body, and that its own cell is empty then. */
static void become_additions(long begin, long line)
{
    long place = 0, end = length;
    length = begin;
    for (long at = begin + 1; at < end; at++) {
        long count = steps[at].count;
        if (steps[at].sign == '>')
            place += count;
        else if (place != 0) {
            steps[length] = (struct step){.sign = '*', .count = count, .offset = place, .line = steps[at].line};
            length++;
        }
    }
    add(0, 0, line);
}

static void close_loop(const char *file, long *open, long line)
{
    long begin = *open;
    if (begin < 0)
        fail(file, line, "there is no [ for this ]");
    *open = steps[begin].count;
    struct step *body = &steps[begin + 1];
    long steps_in_it = length - begin - 1;
    if (steps_in_it == 1 && body->sign == '+' && body->count % 2) {
        /* An odd number of eight bits, taken often enough, leaves 0. */
        length = begin;
        add(0, 0, line);
    } else if (steps_in_it == 1 && body->sign == '>' && body->count) {
        steps[begin] = (struct step){.sign = 's', .count = body->count, .line = body->line};
        length = begin + 1;
    } else if (only_adds(body, steps_in_it)) {
        become_additions(begin, line);
    } else {
        steps[begin].count = length;
        add(']', begin, line);
    }
}

static void read_program(const char *file)
{
    FILE *source = fopen(file, "r");
    long line = 1, open = -1;
    int sign;
    if (!source) {
        perror(file);
        exit(1);
    }
    while ((sign = getc(source)) != EOF) {
        if (sign == '\n')
            line++;
        else if (sign == '+' || sign == '-')
            add_or_join('+', sign == '+' ? 1 : -1, line);
        else if (sign == '>' || sign == '<')
            add_or_join('>', sign == '>' ? 1 : -1, line);
        else if (sign == '.' || sign == ',')
            add((char)sign, 0, line);
        else if (sign == '[') {
            /* Until its end is found, a [ keeps the place of the one around it. */
            add('[', open, line);
            open = length - 1;
        } else if (sign == ']')
            close_loop(file, &open, line);
    }
    fclose(source);
    if (open >= 0)
        fail(file, steps[open].line, "there is no ] for this [");
}

static void make_room(const char *file, long place, long line)
{
    long wanted = cells_there;
    if (place < 0)
        fail(file, line, "there is no cell to the left of the first one");
    while (wanted <= place)
        wanted = wanted ? wanted * 2 : 65536;
    cells = realloc(cells, (size_t)wanted);
    if (!cells)
        fail(file, line, "the cells need more memory than there is");
    memset(cells + cells_there, 0, (size_t)(wanted - cells_there));
    cells_there = wanted;
}

static void run(const char *file)
{
    long place = 0;
    int read;
    make_room(file, 0, 1);
    for (long at = 0; at < length; at++) {
        const struct step *step = &steps[at];
        switch (step->sign) {
        case '+':
            cells[place] = (unsigned char)(cells[place] + step->count);
            break;
        case '>':
            place += step->count;
            if (place < 0 || place >= cells_there)
                make_room(file, place, step->line);
            break;
        case 0:
            cells[place] = 0;
            break;
        case '*':
            if (!cells[place])
                break;
            if (place + step->offset < 0 || place + step->offset >= cells_there)
                make_room(file, place + step->offset, step->line);
            cells[place + step->offset] = (unsigned char)(cells[place + step->offset] + cells[place] * step->count);
            break;
        case 's':
            while (cells[place]) {
                place += step->count;
                if (place < 0 || place >= cells_there)
                    make_room(file, place, step->line);
            }
            break;
        case '.':
            putchar_unlocked(cells[place]);
            break;
        case ',':
            fflush(stdout);
            read = getchar_unlocked();
            cells[place] = read == EOF ? 0 : (unsigned char)read;
            break;
        case '[':
            if (!cells[place])
                at = step->count;
            break;
        default:
            if (cells[place])
                at = step->count;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bf FILE\n");
        return 2;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("1.0");
        return 0;
    }
    read_program(argv[1]);
    run(argv[1]);
    return 0;
}
