/* SPDX-License-Identifier: MIT */
/*
 * A guest's presenter: started with a private connection and nothing else of this process. It is whoever has the other end of that
 * connection: when that is gone so is the presenter, and another is started, ever more slowly.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest-surfaces.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 10000
#define PROVEN_MS 10000 /* a presenter that lived this long was a good one */
#define SOCKET_FD 3 /* in the presenter */

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000) + now.tv_nsec / 1000000;
}

/* Weston reaps whatever ends: only while a process still is our child does its number surely mean it. */
static void
signal_presenter(struct guest *guest, int number)
{
	siginfo_t info;

	if (guest->pid > 0 && waitid(P_PID, guest->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		kill(-guest->pid, number);
}

static void
on_client_gone(struct wl_listener *listener, void *data)
{
	struct guest *guest = wl_container_of(listener, guest, client_gone);

	guest->client = NULL;
	signal_presenter(guest, SIGTERM);
	if (now_ms() - guest->started_ms >= PROVEN_MS)
		guest->delay_ms = DELAY_MIN_MS;
	weston_log("guest-surfaces: %s: its presenter is gone; another is started in %d ms\n", guest->name, guest->delay_ms);
	wl_event_source_timer_update(guest->timer, guest->delay_ms);
	guest->delay_ms = guest->delay_ms * 2 < DELAY_MAX_MS ? guest->delay_ms * 2 : DELAY_MAX_MS;
}

/* Between fork and exec: system calls only. */
static void
become_presenter(pid_t parent, int socket, char *const argv[], char *const envp[])
{
	sigset_t none;
	int null;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* (out of the way of the numbers that follow; Weston has 0 to 2 open) */
	socket = fcntl(socket, F_DUPFD, SOCKET_FD + 1);
	null = open("/dev/null", O_RDWR);
	if (socket < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(socket, SOCKET_FD) < 0)
		_exit(1);
	closefrom(SOCKET_FD + 1);
	execvpe(argv[0], argv, envp);
	_exit(127);
}

/* What a presenter has to know of this process's environment. */
static const char *const kept[] = {
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "XCURSOR_PATH", "XCURSOR_THEME", "XCURSOR_SIZE", "DOTNET_ROOT",
};
#define KEPT (sizeof kept / sizeof *kept)

static bool
fork_presenter(struct guest *guest, int socket)
{
	char *shell[] = { "/bin/sh", "-c", guest->command, NULL };
	char *present[] = { PROGRAM, "present", guest->socket, "--name", guest->name, guest->placement == PLACEMENT_FULLSCREEN ? "--fullscreen" : NULL, NULL };
	char *envp[KEPT + 2], display[32];
	pid_t parent = getpid();
	size_t count = 0;

	snprintf(display, sizeof display, "WAYLAND_SOCKET=%d", SOCKET_FD);
	envp[count++] = display;
	for (size_t i = 0; i < KEPT; i++) {
		char *value = getenv(kept[i]);

		if (value) /* the name and the sign of equality come before it in the environment itself */
			envp[count++] = value - strlen(kept[i]) - 1;
	}
	envp[count] = NULL;

	guest->pid = fork();
	if (guest->pid == 0)
		become_presenter(parent, socket, guest->command ? shell : present, envp);
	return guest->pid > 0;
}

static int
start_presenter(void *data)
{
	struct guest *guest = data;
	int pair[2];

	signal_presenter(guest, SIGKILL); /* the last one, if it has outlived its connection */
	guest->started_ms = now_ms();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		guest->client = wl_client_create(guest->module->compositor->wl_display, pair[0]);
		if (guest->client) {
			client_take_any_length(guest->client);
			wl_client_add_destroy_listener(guest->client, &guest->client_gone);
		} else {
			close(pair[0]);
		}
		/* (if there is no process, then the connection ends with this: another is tried later) */
		if (guest->client && !fork_presenter(guest, pair[1]))
			weston_log("guest-surfaces: %s: no process can be started: %s\n", guest->name, strerror(errno));
		close(pair[1]);
	}
	if (!guest->client)
		wl_event_source_timer_update(guest->timer, DELAY_MAX_MS);
	return 0;
}

bool
presenter_init(struct guest *guest)
{
	guest->client_gone.notify = on_client_gone;
	guest->delay_ms = DELAY_MIN_MS;
	guest->timer = wl_event_loop_add_timer(wl_display_get_event_loop(guest->module->compositor->wl_display), start_presenter, guest);
	return guest->timer && wl_event_source_timer_update(guest->timer, 1) == 0; /* once Weston is up */
}

/* For good: Weston ends, and doesn't end its clients by itself. */
void
presenter_stop(struct guest *guest)
{
	if (guest->client) {
		wl_list_remove(&guest->client_gone.link);
		wl_client_destroy(guest->client);
	}
	if (guest->timer)
		wl_event_source_remove(guest->timer);
	signal_presenter(guest, SIGTERM);
}

struct guest *
guest_of(struct module *module, const struct wl_client *client)
{
	struct guest *guest;

	wl_list_for_each(guest, &module->guests, link)
		if (guest->client && guest->client == client)
			return guest;
	return NULL;
}
