/*
 * System V's shared memory, as far as PostgreSQL's server needs it: a few bytes that the first process makes, and that
 * its forks inherit. In a sandbox there is none, because it would outlive its processes; whether another server runs on
 * the same data, for which it is there, is no question.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/shm.h>

static size_t made_bytes;

int shmget(key_t key, size_t size, int flags)
{
    (void)key;
    if (!(flags & IPC_CREAT)) {
        errno = ENOENT;
        return -1;
    }
    made_bytes = size;
    return 1;
}

void *shmat(int id, const void *address, int flags)
{
    (void)id, (void)flags;
    return mmap((void *)address, made_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int shmdt(const void *address)
{
    return munmap((void *)address, made_bytes);
}

int shmctl(int id, int command, struct shmid_ds *status)
{
    (void)id, (void)status;
    if (command == IPC_RMID)
        return 0;
    errno = EINVAL;
    return -1;
}
