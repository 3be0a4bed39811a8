/* SPDX-License-Identifier: MIT */
/*
 * Our own process, the host: started with a private connection and nothing else of this process. It is whoever has the other end of that connection: when
 * that is gone so is the host with all its guests, and another is started, ever more slowly.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libweston/config-parser.h>
#include "guest-surfaces.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 10000
#define PROVEN_MS 10000 /* a host that lived this long was a good one */
#define SOCKET_FD 3 /* in the host */

/* of <weston/weston.h>, which not every distribution packages */
struct weston_config *wet_get_config(struct weston_compositor *compositor);

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
	weston_log("guest-surfaces: the guests' host is gone; another is started in %d ms\n", host->delay_ms);
	wl_event_source_timer_update(host->timer, host->delay_ms);
	host->delay_ms = host->delay_ms * 2 < DELAY_MAX_MS ? host->delay_ms * 2 : DELAY_MAX_MS;
}

/* What it and its presenters have to know of this process's environment. */
static const char *const kept[] = {
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "XCURSOR_PATH", "XCURSOR_THEME", "XCURSOR_SIZE", "DOTNET_ROOT",
};
#define KEPT (sizeof kept / sizeof *kept)

/* With nothing of this process but that: not its descriptors, signals, session, or secrets. */
static void
spawn_host(struct module *module, int socket)
{
	struct weston_config *config = wet_get_config(module->compositor);
	char *argv[] = { PROGRAM, "plugin", "serve", (char *) (config ? weston_config_get_full_path(config) : NULL), NULL };
	char *envp[KEPT + 2], display[32];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	size_t count = 0;

	snprintf(display, sizeof display, "WAYLAND_SOCKET=%d", SOCKET_FD);
	envp[count++] = display;
	for (size_t i = 0; i < KEPT; i++) {
		char *value = getenv(kept[i]);

		if (value) /* the name and the sign of equality come before it in the environment itself */
			envp[count++] = value - strlen(kept[i]) - 1;
	}
	envp[count] = NULL;

	/* (for want of memory these fail, and then so does the last) */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, socket, SOCKET_FD);
	posix_spawn_file_actions_addclosefrom_np(&actions, SOCKET_FD + 1);
	errno = posix_spawnp(&module->host.pid, argv[0], &actions, &attributes, argv, envp);
	if (errno != 0) {
		module->host.pid = 0;
		weston_log("guest-surfaces: %s can't be started: %s\n", PROGRAM, strerror(errno));
	}
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
}

static void
start_host(struct module *module)
{
	struct host *host = &module->host;
	int pair[2];

	host_signal(host, SIGKILL); /* the last one, if it has outlived its connection */
	wl_event_source_timer_update(host->timer, PROVEN_MS);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	host->client = wl_client_create(module->compositor->wl_display, pair[0]);
	if (host->client) {
		wl_client_add_destroy_listener(host->client, &host->client_gone);
		spawn_host(module, pair[1]); /* if there is no process, then the connection ends with this: another is tried later */
	} else {
		close(pair[0]);
	}
	close(pair[1]);
}

static int
on_timer(void *data)
{
	struct module *module = data;

	if (module->host.client)
		module->host.delay_ms = DELAY_MIN_MS;
	else
		start_host(module);
	return 0;
}

bool
host_init(struct module *module)
{
	struct host *host = &module->host;

	host->client_gone.notify = on_client_gone;
	host->delay_ms = DELAY_MIN_MS;
	host->timer = wl_event_loop_add_timer(wl_display_get_event_loop(module->compositor->wl_display), on_timer, module);
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
