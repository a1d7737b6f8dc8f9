#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *add(void *number)
{
    pthread_mutex_lock(&lock);
    total += (long)number;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
    regex_t pattern;
    regmatch_t part[3];
    const char *text = "on 2024-03-01";
    regcomp(&pattern, "([0-9]{4})-([0-9]{2})", REG_EXTENDED);
    if (regexec(&pattern, text, 3, part, 0) == 0)
        printf("regex: %.4s %.2s\n", text + part[1].rm_so, text + part[2].rm_so);

    char *fruit[] = {"pear", "fig", "apple"};
    qsort(fruit, 3, sizeof *fruit, by_name);
    printf("sort: %s %s %s\n", fruit[0], fruit[1], fruit[2]);

    struct tm day = {.tm_year = 124, .tm_mon = 1, .tm_mday = 28 + (int)sqrt(4.0), .tm_hour = 12};
    char date[11];
    mktime(&day);
    strftime(date, sizeof date, "%Y-%m-%d", &day);
    printf("date: %s\n", date);

    pthread_t threads[4];
    for (long i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("threads: %ld\n", total);
    return 0;
}
