// SPDX-License-Identifier: MIT
// Stands for a presenter that the module in Weston starts, an honest or a hostile one, or for any other client. The first argument is the scenario.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-client.h>
#include "xdg-shell-client.h"
#include "guest-surfaces-weston-v1-client.h"

static struct wl_display *display;
static struct wl_registry *registry;
static struct wl_compositor *compositor;
static struct wl_subcompositor *subcompositor;
static struct wl_shm *shm;
static struct xdg_wm_base *wm_base;
static struct wl_seat *seat;
static struct guest_surfaces_presenter_v1 *host;
static uint32_t last_name;
static bool wants_host;

static void on_placement(void *d, struct guest_surfaces_presenter_v1 *h, uint32_t kind, const char *outputs) { printf("placement %u \"%s\"\n", kind, outputs); }
static const struct guest_surfaces_presenter_v1_listener host_listener = { on_placement };

static void on_keymap(void *d, struct wl_keyboard *k, uint32_t format, int32_t fd, uint32_t size) { close(fd); }
static void on_enter(void *d, struct wl_keyboard *k, uint32_t serial, struct wl_surface *surface, struct wl_array *keys) { puts("keyboard enters"); }
static void on_leave(void *d, struct wl_keyboard *k, uint32_t serial, struct wl_surface *surface) { puts("keyboard leaves"); }
static void on_key(void *d, struct wl_keyboard *k, uint32_t serial, uint32_t time, uint32_t key, uint32_t state) { printf("key %u %u\n", key, state); }
static void on_modifiers(void *d, struct wl_keyboard *k, uint32_t serial, uint32_t depressed, uint32_t latched, uint32_t locked, uint32_t group) {}
static const struct wl_keyboard_listener keyboard_listener = { on_keymap, on_enter, on_leave, on_key, on_modifiers };

static void on_ping(void *d, struct xdg_wm_base *base, uint32_t serial) { xdg_wm_base_pong(base, serial); }
static const struct xdg_wm_base_listener base_listener = { on_ping };

static void on_global(void *data, struct wl_registry *r, uint32_t name, const char *type, uint32_t version)
{
	last_name = name > last_name ? name : last_name;
	if (!strcmp(type, "wl_compositor"))
		compositor = wl_registry_bind(r, name, &wl_compositor_interface, 4);
	else if (!strcmp(type, "wl_subcompositor"))
		subcompositor = wl_registry_bind(r, name, &wl_subcompositor_interface, 1);
	else if (!strcmp(type, "wl_shm"))
		shm = wl_registry_bind(r, name, &wl_shm_interface, 1);
	else if (!strcmp(type, "xdg_wm_base")) {
		wm_base = wl_registry_bind(r, name, &xdg_wm_base_interface, 1);
		xdg_wm_base_add_listener(wm_base, &base_listener, NULL);
	} else if (!strcmp(type, "wl_seat")) {
		seat = wl_registry_bind(r, name, &wl_seat_interface, 1);
	} else if (!strcmp(type, "guest_surfaces_presenter_v1") && !wants_host) {
		host = wl_registry_bind(r, name, &guest_surfaces_presenter_v1_interface, 1);
		guest_surfaces_presenter_v1_add_listener(host, &host_listener, NULL);
	} else if (!strcmp(type, "guest_surfaces_host_v1")) {
		puts("sees the host's");
		if (wants_host)
			wl_registry_bind(r, name, &guest_surfaces_host_v1_interface, 1);
	}
}
static void on_global_remove(void *data, struct wl_registry *r, uint32_t name) {}
static const struct wl_registry_listener registry_listener = { on_global, on_global_remove };

static bool connect_display(void)
{
	host = NULL;
	display = wl_display_connect(NULL);
	if (!display)
		return false;
	registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	return wl_display_roundtrip(display) >= 0 && wl_display_roundtrip(display) >= 0;
}

static struct wl_buffer *make_buffer(int width, int height, uint32_t color)
{
	int size = width * height * 4, fd = memfd_create("picture", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, size) < 0)
		exit(4);
	uint32_t *pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < width * height; i++)
		pixels[i] = color;
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, size);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, width, height, width * 4, WL_SHM_FORMAT_XRGB8888);
	wl_shm_pool_destroy(pool);
	close(fd);
	return buffer;
}

static struct wl_surface *window;
static int wanted_width, wanted_height;
static bool is_configured;
static void on_configure(void *d, struct xdg_surface *surface, uint32_t serial)
{
	xdg_surface_ack_configure(surface, serial);
	is_configured = true;
}
static const struct xdg_surface_listener surface_listener = { on_configure };
static void on_size(void *d, struct xdg_toplevel *t, int32_t width, int32_t height, struct wl_array *states)
{
	if (width > 0 && height > 0)
		wanted_width = width, wanted_height = height;
}
static void on_close(void *d, struct xdg_toplevel *t) {}
static const struct xdg_toplevel_listener toplevel_listener = { on_size, on_close };

// A window of one colour, under a subsurface of the same that is larger than it on every side.
static void show(bool is_fullscreen)
{
	wanted_width = 200;
	wanted_height = 120;
	struct wl_surface *surface = window = wl_compositor_create_surface(compositor);
	struct xdg_surface *shell_surface = xdg_wm_base_get_xdg_surface(wm_base, surface);
	xdg_surface_add_listener(shell_surface, &surface_listener, NULL);
	struct xdg_toplevel *toplevel = xdg_surface_get_toplevel(shell_surface);
	xdg_toplevel_add_listener(toplevel, &toplevel_listener, NULL);
	if (is_fullscreen)
		xdg_toplevel_set_fullscreen(toplevel, NULL);
	wl_surface_commit(surface);
	while (!is_configured && wl_display_dispatch(display) >= 0)
		;

	struct wl_surface *over = wl_compositor_create_surface(compositor);
	struct wl_subsurface *sub = wl_subcompositor_get_subsurface(subcompositor, over, surface);
	wl_subsurface_set_position(sub, -40, -40);
	wl_subsurface_set_desync(sub);
	wl_surface_attach(over, make_buffer(wanted_width + 80, wanted_height + 80, 0x00ff00), 0, 0);
	wl_surface_damage(over, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(over);
	xdg_surface_set_window_geometry(shell_surface, 0, 0, wanted_width, wanted_height);
	wl_surface_attach(surface, make_buffer(wanted_width, wanted_height, 0x00ff00), 0, 0);
	wl_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
	wl_display_roundtrip(display);
	puts("shown");
}

// Keeps the compositor as busy as it lets itself be, and hears nothing.
static void flood(void)
{
	struct wl_surface *surface = wl_compositor_create_surface(compositor);
	struct pollfd room = { wl_display_get_fd(display), POLLOUT };

	for (;;) {
		for (int i = 0; i < 100; i++)
			wl_surface_damage(surface, 0, 0, 1, 1);
		wl_surface_commit(surface);
		if (wl_display_flush(display) < 0 && (errno != EAGAIN || poll(&room, 1, -1) < 0))
			exit(5);
	}
}

static void stay(void)
{
	while (wl_display_dispatch(display) >= 0)
		;
	puts("disconnected");
}

static uint32_t seed;
static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void on_frame(void *data, struct wl_callback *callback, uint32_t time) { --*(int *)data; }
static const struct wl_callback_listener frame_listener = { on_frame };

// An ordinary client that draws thirty frames, each when the last one was shown, and ends.
static int draw(void)
{
	if (!connect_display())
		return 1;
	show(false);
	for (int i = 0; i < 30; i++) {
		int waiting = 1;
		struct wl_callback *callback = wl_surface_frame(window);

		wl_callback_add_listener(callback, &frame_listener, &waiting);
		wl_surface_damage(window, 0, 0, INT32_MAX, INT32_MAX);
		wl_surface_commit(window);
		while (waiting)
			if (wl_display_dispatch(display) < 0)
				return 1;
		wl_callback_destroy(callback);
	}
	return 0;
}

// Messages with a valid head, to an object that exists, of anything else; until the connection is gone.
static void send_junk(uint32_t object, bool has_valid_head)
{
	int fd = wl_display_get_fd(display);

	for (int round = 0; round < 100000; round++) {
		uint32_t message[16];
		uint32_t size = 8 + 4 * any(14);

		for (int i = 0; i < 16; i++)
			message[i] = any(1 << 24) * 257;
		if (has_valid_head) {
			message[0] = object;
			message[1] = size << 16 | any(6);
		}
		if (send(fd, message, size, MSG_NOSIGNAL) < 0)
			break;
	}
	stay();
}

// What a presenter has besides its connection: descriptors and environment.
static void confess(void)
{
	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && fd != wl_display_get_fd(display))
			printf("descriptor %d\n", fd);
	for (char **variable = environ; *variable; variable++)
		printf("variable %s\n", *variable);
	puts("confessed");
	stay();
}

// A client that isn't a presenter: what it sees, and what becomes of it when it binds what it doesn't see.
static int spy(void)
{
	if (!connect_display())
		return 1;
	puts(host ? "sees it" : "doesn't see it");
	uint32_t names = last_name + 4;
	wl_display_disconnect(display);
	for (uint32_t name = 1; name <= 2 * names; name++) {
		if (!connect_display())
			return 1;
		if (name <= names)
			wl_registry_bind(registry, name, &guest_surfaces_presenter_v1_interface, 1);
		else
			wl_registry_bind(registry, name - names, &guest_surfaces_host_v1_interface, 1);
		if (wl_display_roundtrip(display) >= 0)
			puts("bound it");
		wl_display_disconnect(display);
	}
	puts("tried all names");
	return 0;
}

// A client that isn't what it binds. What becomes of it, libwayland says.
static int see(void)
{
	bool is_alive = connect_display();

	puts(host ? "sees it" : "doesn't see it");
	if (is_alive)
		puts("bound it");
	return 0;
}

int main(int argc, char **argv)
{
	const char *scenario = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = argc > 2 ? atoi(argv[2]) : 1;
	wants_host = !strcmp(scenario, "host");
	if (!strcmp(scenario, "draw"))
		return draw();
	if (!strcmp(scenario, "spy"))
		return spy();
	if (!strcmp(scenario, "see") || wants_host)
		return see();
	if (!connect_display())
		return 1;
	if (!strcmp(scenario, "window") || !strcmp(scenario, "fullscreen")) {
		show(!strcmp(scenario, "fullscreen"));
		stay();
	} else if (!strcmp(scenario, "keys") || !strcmp(scenario, "hang") || !strcmp(scenario, "flood")) {
		if (seat)
			wl_keyboard_add_listener(wl_seat_get_keyboard(seat), &keyboard_listener, NULL);
		show(false);
		if (!strcmp(scenario, "hang"))
			pause(); /* it has shown itself, and reads nothing more */
		if (!strcmp(scenario, "flood"))
			flood();
		stay();
	} else if (!strcmp(scenario, "garbage")) {
		send_junk(0, false);
	} else if (!strcmp(scenario, "requests")) {
		send_junk(wl_proxy_get_id((struct wl_proxy *)host), true);
	} else if (!strcmp(scenario, "greedy")) {
		for (int i = 0; i < 1000; i++)
			wl_compositor_create_surface(compositor);
		stay();
	} else if (!strcmp(scenario, "confess")) {
		confess();
	} else if (!strcmp(scenario, "deaf")) {
		pause();
	} else {
		return 2;
	}
	return 0;
}
