/* SPDX-License-Identifier: MIT */
/*
 * Our own process, the host: started with a private connection and nothing else of this process. It is whoever has the other end of that connection: when
 * that is gone so is the host with all its guests, and another is started, ever more slowly.
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
#include <libweston/config-parser.h>
#include "guest-surfaces.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 10000
#define PROVEN_MS 10000 /* a host that lived this long was a good one */
#define SOCKET_FD 3 /* in the host */

/* of <weston/weston.h>, which not every distribution packages */
struct weston_config *wet_get_config(struct weston_compositor *compositor);

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000) + now.tv_nsec / 1000000;
}

/* Weston reaps whatever ends: only while a process still is our child does its number surely mean it. */
static void
host_signal(struct host *host, int number)
{
	siginfo_t info;

	if (host->pid > 0 && waitid(P_PID, host->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		kill(-host->pid, number);
}

static void
on_client_gone(struct wl_listener *listener, void *data)
{
	struct host *host = wl_container_of(listener, host, client_gone);

	host->client = NULL;
	host_signal(host, SIGTERM);
	if (now_ms() - host->started_ms >= PROVEN_MS)
		host->delay_ms = DELAY_MIN_MS;
	weston_log("guest-surfaces: the guests' host is gone; another is started in %d ms\n", host->delay_ms);
	wl_event_source_timer_update(host->timer, host->delay_ms);
	host->delay_ms = host->delay_ms * 2 < DELAY_MAX_MS ? host->delay_ms * 2 : DELAY_MAX_MS;
}

/* Between fork and exec: system calls only. */
static void
become_host(pid_t parent, int socket, char *const argv[], char *const envp[])
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

/* What it and its presenters have to know of this process's environment. */
static const char *const kept[] = {
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "XCURSOR_PATH", "XCURSOR_THEME", "XCURSOR_SIZE", "DOTNET_ROOT",
};
#define KEPT (sizeof kept / sizeof *kept)

static bool
fork_host(struct module *module, int socket)
{
	struct weston_config *config = wet_get_config(module->compositor);
	char *argv[] = { PROGRAM, "plugin", "serve", (char *) (config ? weston_config_get_full_path(config) : NULL), NULL };
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

	module->host.pid = fork();
	if (module->host.pid == 0)
		become_host(parent, socket, argv, envp);
	return module->host.pid > 0;
}

static int
start_host(void *data)
{
	struct module *module = data;
	struct host *host = &module->host;
	int pair[2];

	host_signal(host, SIGKILL); /* the last one, if it has outlived its connection */
	host->started_ms = now_ms();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		host->client = wl_client_create(module->compositor->wl_display, pair[0]);
		if (host->client)
			wl_client_add_destroy_listener(host->client, &host->client_gone);
		else
			close(pair[0]);
		/* (if there is no process, then the connection ends with this: another is tried later) */
		if (host->client && !fork_host(module, pair[1]))
			weston_log("guest-surfaces: no process can be started: %s\n", strerror(errno));
		close(pair[1]);
	}
	if (!host->client)
		wl_event_source_timer_update(host->timer, DELAY_MAX_MS);
	return 0;
}

bool
host_init(struct module *module)
{
	struct host *host = &module->host;

	host->client_gone.notify = on_client_gone;
	host->delay_ms = DELAY_MIN_MS;
	host->timer = wl_event_loop_add_timer(wl_display_get_event_loop(module->compositor->wl_display), start_host, module);
	return host->timer && wl_event_source_timer_update(host->timer, 1) == 0; /* once Weston is up */
}

/* For good: Weston ends, and doesn't end its clients by itself. */
void
host_fini(struct module *module)
{
	struct host *host = &module->host;

	if (host->client) {
		wl_list_remove(&host->client_gone.link);
		wl_client_destroy(host->client); /* and with it the guests */
	}
	if (host->timer)
		wl_event_source_remove(host->timer);
	host_signal(host, SIGTERM);
}
