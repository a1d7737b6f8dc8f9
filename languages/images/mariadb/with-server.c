/*
 * with-server: starts a server, waits until it says that it is ready, and becomes a client of it.
 *
 * usage: with-server FOLDER SERVER [ARGUMENT ...] -- CLIENT [ARGUMENT ...]
 *
 * Theory of operation: servers that know systemd send READY=1 to the socket that NOTIFY_SOCKET names, so nobody has to
 * ask them again and again. The socket and what the server prints lie in FOLDER. The client takes this process's place:
 * its exit code is the program's, and whoever started the program ends the server after it. A server that ends before
 * it is ready has its last words printed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "with-server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int notify_socket(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
    int notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(notified, "socket");
    must(bind(notified, (struct sockaddr *)&address, sizeof(address)), address.sun_path);
    must(setenv("NOTIFY_SOCKET", address.sun_path, 1), "setenv");
    return notified;
}

static void become_server(char **argv, int log)
{
    int nothing = open("/dev/null", O_RDONLY);
    must(nothing, "/dev/null");
    must(dup2(nothing, STDIN_FILENO), "dup2");
    must(dup2(log, STDOUT_FILENO), "dup2");
    must(dup2(log, STDERR_FILENO), "dup2");
    must(setsid(), "setsid");
    execvp(argv[0], argv);
    must(-1, argv[0]);
}

/* What the server said before it was gone. */
static void tell(int log)
{
    char text[4096];
    ssize_t size = 0;
    lseek(log, 0, SEEK_SET);
    while ((size = read(log, text, sizeof(text))) > 0)
        if (write(STDERR_FILENO, text, (size_t)size) < 0)
            break;
    exit(1);
}

static void wait_until_ready(int notified, int server, int log)
{
    struct pollfd wanted[] = {{notified, POLLIN, 0}, {server, POLLIN, 0}};
    char message[512];
    for (;;) {
        if (poll(wanted, 2, -1) < 0 && errno != EINTR)
            must(-1, "poll");
        if (wanted[0].revents & POLLIN) {
            ssize_t size = recv(notified, message, sizeof(message) - 1, 0);
            must((int)size, "recv");
            message[size] = '\0';
            if (strstr(message, "READY=1"))
                return;
        } else if (wanted[1].revents & POLLIN)
            tell(log);
    }
}

int main(int argc, char **argv)
{
    int end = 2;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end == 2 || end + 1 >= argc) {
        fprintf(stderr, "usage: with-server FOLDER SERVER [ARGUMENT ...] -- CLIENT [ARGUMENT ...]\n");
        return 2;
    }
    argv[end] = NULL;
    char path[4096];
    snprintf(path, sizeof(path), "%s/log", argv[1]);
    int log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    must(log, path);
    int notified = notify_socket(argv[1]);
    pid_t server = fork();
    must(server, "fork");
    if (server == 0)
        become_server(argv + 2, log);
    int watched = (int)syscall(SYS_pidfd_open, server, 0);
    must(watched, "pidfd_open");
    must(fcntl(watched, F_SETFD, FD_CLOEXEC), "fcntl");
    wait_until_ready(notified, watched, log);
    must(unsetenv("NOTIFY_SOCKET"), "unsetenv");
    execvp(argv[end + 1], argv + end + 1);
    must(-1, argv[end + 1]);
    return 1;
}
