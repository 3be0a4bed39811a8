// SPDX-License-Identifier: MIT
//
// dbus-listener QMP-SOCKET [trace]: listens to console 0 of a QEMU with -display dbus,p2p=yes and only answers. What such a
// display costs QEMU at the least, for l1/perf.sh; it shows nothing.
//
// Says on standard output at SIGTERM how often each of QEMU's calls came: NAME COUNT. With trace also when each came, at once:
// SECONDS.MICROSECONDS NAME (real time).
//
// QEMU hands nothing over by itself: the socket of the display goes in by QMP's getfd and add_client, and over that one the
// socket on which QEMU calls us. On both QEMU is the side that authenticates.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define MAX_CALLS 32

static struct { char name[32]; unsigned long count; } calls[MAX_CALLS];
static int trace;

static void check(long result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "dbus-listener: %s: %s\n", what, strerror(result < -1 ? -result : 0));
    exit(1);
}

// ---- QMP ----------------------------------------------------------------------------------------------------------------

// Sends a command, with a file descriptor unless that is negative, and waits for its answer; events may come before.
static void qmp(int socket, const char *command, int fd)
{
    char control[CMSG_SPACE(sizeof fd)] = { 0 }, answer[4096];
    struct iovec text = { (void *)command, strlen(command) };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    check(sendmsg(socket, &message, MSG_NOSIGNAL), command);
    do {
        ssize_t n = read(socket, answer, sizeof answer - 1);
        check(n > 0 ? 0 : -1, "reading QMP's answer");
        answer[n] = 0;
    } while (!strstr(answer, "\"return\"") && !strstr(answer, "\"error\""));
    if (strstr(answer, "\"error\"")) {
        fprintf(stderr, "dbus-listener: %s: %s\n", command, answer);
        exit(1);
    }
}

static void add_client(const char *path, int fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(connect(socket_fd, (struct sockaddr *)&address, sizeof address), path);
    qmp(socket_fd, "{\"execute\":\"qmp_capabilities\"}", -1);
    qmp(socket_fd, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"display\"}}", fd);
    qmp(socket_fd, "{\"execute\":\"add_client\",\"arguments\":{\"protocol\":\"@dbus-display\",\"fdname\":\"display\"}}", -1);
    close(socket_fd);
}

// ---- D-Bus --------------------------------------------------------------------------------------------------------------

static sd_bus *start(int fd, sd_event *loop)
{
    sd_bus *bus;
    check(sd_bus_new(&bus), "sd_bus_new");
    check(sd_bus_set_fd(bus, fd, fd), "sd_bus_set_fd");
    check(sd_bus_negotiate_fds(bus, 1), "sd_bus_negotiate_fds");
    check(sd_bus_start(bus), "sd_bus_start");
    check(sd_bus_attach_event(bus, loop, 0), "sd_bus_attach_event");
    return bus;
}

static void count(const char *name)
{
    int i = 0;
    while (i < MAX_CALLS - 1 && calls[i].count && strcmp(calls[i].name, name))
        i++;
    if (!calls[i].count++)
        snprintf(calls[i].name, sizeof calls[i].name, "%s", name);
    if (trace) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        printf("%lld.%06ld %s\n", (long long)t.tv_sec, t.tv_nsec / 1000, name);
    }
}

static int answer(sd_bus_message *call, void *data, sd_bus_error *error)
{
    (void)data;
    (void)error;
    uint8_t type;
    if (sd_bus_message_get_type(call, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
        return 0;
    const char *member = sd_bus_message_get_member(call);
    count(member);
    // QEMU asks once what the listener understands besides: pictures in shared memory
    if (!strcmp(member, "GetAll"))
        return sd_bus_reply_method_return(call, "a{sv}", 1, "Interfaces", "as", 1, "org.qemu.Display1.Listener.Unix.Map");
    sd_bus_reply_method_return(call, "");
    return 1;
}

static int registered(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    (void)data;
    (void)error;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);
    if (failure) {
        fprintf(stderr, "dbus-listener: RegisterListener: %s: %s\n", failure->name, failure->message);
        exit(1);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int display[2], listener[2];
    sd_event *loop;
    sigset_t ends;
    if (argc < 2)
        return 2;
    trace = argc > 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, display), "socketpair");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, listener), "socketpair");
    check(sd_event_default(&loop), "sd_event_default");
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    check(sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL), "sd_event_add_signal");

    add_client(argv[1], display[1]);
    close(display[1]);
    sd_bus *calls_to_us = start(listener[0], loop), *console = start(display[0], loop);
    check(sd_bus_add_filter(calls_to_us, NULL, answer, NULL), "sd_bus_add_filter");
    check(sd_bus_call_method_async(console, NULL, NULL, "/org/qemu/Display1/Console_0", "org.qemu.Display1.Console", "RegisterListener", registered, NULL, "h", listener[1]),
        "RegisterListener");
    close(listener[1]);
    check(sd_event_loop(loop), "sd_event_loop");
    for (int i = 0; i < MAX_CALLS && calls[i].count; i++)
        printf("%s %lu\n", calls[i].name, calls[i].count);
    return 0;
}
