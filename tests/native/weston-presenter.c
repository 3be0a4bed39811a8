// SPDX-License-Identifier: MIT
// Stands for a presenter that the module in Weston starts, an honest or a hostile one, or for any other client. The first argument is the scenario.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-client.h>
#include "linux-dmabuf-v1-client.h"
#include "xdg-shell-client.h"
#include "guest-surfaces-weston-v1-client.h"

static struct wl_display *display;
static struct wl_registry *registry;
static struct wl_compositor *compositor;
static struct wl_subcompositor *subcompositor;
static struct wl_shm *shm;
static struct zwp_linux_dmabuf_v1 *dmabuf;
static struct xdg_wm_base *wm_base;
static struct wl_seat *seat;
static struct guest_surfaces_presenter_v1 *host;
static struct guest_surfaces_host_v1 *serving;
static struct wl_proxy *fifo_manager;
static uint32_t last_name;
static bool wants_host;

// fifo-v1, which is younger than the protocols of the oldest machine that builds this
static const struct wl_interface *no_types[] = { NULL, NULL };
static const struct wl_message fifo_requests[] = { { "set_barrier", "", no_types }, { "wait_barrier", "", no_types }, { "destroy", "", no_types } };
static const struct wl_interface fifo_interface = { "wp_fifo_v1", 1, 3, fifo_requests, 0, NULL };
static const struct wl_interface *get_fifo_types[] = { &fifo_interface, &wl_surface_interface };
static const struct wl_message fifo_manager_requests[] = { { "destroy", "", no_types }, { "get_fifo", "no", get_fifo_types } };
static const struct wl_interface fifo_manager_interface = { "wp_fifo_manager_v1", 1, 2, fifo_manager_requests, 0, NULL };

static void on_placement(void *d, struct guest_surfaces_presenter_v1 *h, uint32_t kind, const char *names) { printf("placement %u \"%s\"\n", kind, names); }
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
	else if (!strcmp(type, "zwp_linux_dmabuf_v1"))
		dmabuf = wl_registry_bind(r, name, &zwp_linux_dmabuf_v1_interface, 3);
	else if (!strcmp(type, "xdg_wm_base")) {
		wm_base = wl_registry_bind(r, name, &xdg_wm_base_interface, 1);
		xdg_wm_base_add_listener(wm_base, &base_listener, NULL);
	} else if (!strcmp(type, "wp_fifo_manager_v1")) {
		fifo_manager = wl_registry_bind(r, name, &fifo_manager_interface, 1);
	} else if (!strcmp(type, "wl_seat")) {
		seat = wl_registry_bind(r, name, &wl_seat_interface, 1);
	} else if (!strcmp(type, "guest_surfaces_presenter_v1") && !wants_host) {
		host = wl_registry_bind(r, name, &guest_surfaces_presenter_v1_interface, 1);
		guest_surfaces_presenter_v1_add_listener(host, &host_listener, NULL);
	} else if (!strcmp(type, "guest_surfaces_host_v1")) {
		puts("sees the host's");
		if (wants_host)
			serving = wl_registry_bind(r, name, &guest_surfaces_host_v1_interface, 1);
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

static int make_memory(int size, int pixels, uint32_t color)
{
	int fd = memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, size) < 0)
		exit(4);
	uint32_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < pixels; i++)
		memory[i] = color;
	return fd;
}

static struct wl_buffer *make_buffer(int width, int height, uint32_t color)
{
	int size = width * height * 4, fd = make_memory(size, width * height, color);
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, size);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, width, height, width * 4, WL_SHM_FORMAT_XRGB8888);
	wl_shm_pool_destroy(pool);
	close(fd);
	return buffer;
}

// The same as a dma-buf.
static struct wl_buffer *make_dmabuf(int width, int height, uint32_t color)
{
	const uint32_t xrgb8888 = 'X' | 'R' << 8 | '2' << 16 | '4' << 24;
	int page = getpagesize(), size = (width * height * 4 + page - 1) / page * page, memory = make_memory(size, width * height, color);
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create pages = { .memfd = memory, .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	int fd = fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) < 0 ? -1 : ioctl(device, UDMABUF_CREATE, &pages);

	if (fd < 0) {
		perror("/dev/udmabuf");
		exit(7);
	}
	struct zwp_linux_buffer_params_v1 *params = zwp_linux_dmabuf_v1_create_params(dmabuf);
	zwp_linux_buffer_params_v1_add(params, fd, 0, 0, width * 4, 0, 0);
	struct wl_buffer *buffer = zwp_linux_buffer_params_v1_create_immed(params, width, height, xrgb8888, 0);
	zwp_linux_buffer_params_v1_destroy(params);
	close(fd);
	close(device);
	close(memory);
	return buffer;
}

static struct wl_surface *window;
static struct xdg_surface *shell_surface;
static struct xdg_toplevel *toplevel;
static uint32_t color = 0x00ff00;
static bool is_covered = true;
static int wanted_width = 200, wanted_height = 120;
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

static void draw_in(struct wl_surface *surface, int width, int height)
{
	wl_surface_attach(surface, make_buffer(width, height, color), 0, 0);
	wl_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
}

// Something over a surface that is larger than it on every side.
static struct wl_surface *cover(struct wl_surface *surface, int width, int height)
{
	struct wl_surface *over = wl_compositor_create_surface(compositor);
	struct wl_subsurface *sub = wl_subcompositor_get_subsurface(subcompositor, over, surface);

	wl_subsurface_set_position(sub, -40, -40);
	wl_subsurface_set_desync(sub);
	draw_in(over, width + 80, height + 80);
	return over;
}

// A window of one colour, most often under a subsurface of the same that is larger than it on every side.
static void show(bool is_fullscreen, const char *output)
{
	struct wl_surface *surface = window = wl_compositor_create_surface(compositor);
	shell_surface = xdg_wm_base_get_xdg_surface(wm_base, surface);
	xdg_surface_add_listener(shell_surface, &surface_listener, NULL);
	toplevel = xdg_surface_get_toplevel(shell_surface);
	xdg_toplevel_add_listener(toplevel, &toplevel_listener, NULL);
	if (is_fullscreen)
		xdg_toplevel_set_fullscreen(toplevel, NULL);
	wl_surface_commit(surface);
	is_configured = false;
	while (!is_configured && wl_display_dispatch(display) >= 0)
		;

	if (is_covered)
		cover(surface, wanted_width, wanted_height);
	xdg_surface_set_window_geometry(shell_surface, 0, 0, wanted_width, wanted_height);
	if (output)
		guest_surfaces_presenter_v1_set_output(host, surface, output);
	draw_in(surface, wanted_width, wanted_height);
	wl_display_roundtrip(display);
	puts("shown");
}

static void stay(void)
{
	while (wl_display_dispatch(display) >= 0)
		;
	puts("disconnected");
}

// A window of its own colour and size that does what is written into a FIFO.
static void obey(const char *fifo, int number)
{
	static const uint32_t colors[] = { 0x00ff00, 0x00ffff, 0xffffff };
	char line[64];
	FILE *commands = fopen(fifo, "r+"); /* both ways: it never ends */

	if (!commands || fcntl(fileno(commands), F_SETFL, O_NONBLOCK) < 0)
		exit(6);
	color = colors[number];
	wanted_width += 20 * number;
	int width = wanted_width, height = wanted_height;
	show(false, NULL);
	struct pollfd ready[] = { { wl_display_get_fd(display), POLLIN }, { fileno(commands), POLLIN } };
	while (wl_display_flush(display) >= 0 && poll(ready, 2, -1) > 0) {
		if (ready[0].revents && wl_display_dispatch(display) < 0)
			break;
		while (fgets(line, sizeof line, commands)) {
			bool is_fullscreen = !strcmp(line, "fullscreen\n");

			if (!strcmp(line, "open\n")) {
				xdg_toplevel_destroy(toplevel);
				xdg_surface_destroy(shell_surface);
				wl_surface_destroy(window);
				wanted_width = width, wanted_height = height;
				show(false, NULL);
				printf("%d has done %s", number, line);
				continue;
			}
			if (is_fullscreen)
				xdg_toplevel_set_fullscreen(toplevel, NULL);
			else if (!strcmp(line, "minimise\n"))
				xdg_toplevel_set_minimized(toplevel);
			else
				xdg_toplevel_unset_fullscreen(toplevel);
			wl_display_roundtrip(display);
			int shown_width = is_fullscreen ? wanted_width : width, shown_height = is_fullscreen ? wanted_height : height;
			xdg_surface_set_window_geometry(shell_surface, 0, 0, shown_width, shown_height);
			draw_in(window, shown_width, shown_height);
			wl_display_roundtrip(display);
			printf("%d has done %s", number, line);
		}
		clearerr(commands);
	}
	puts("disconnected");
}

static void on_background_size(void *data, struct guest_surfaces_background_v1 *background, int32_t width, int32_t height)
{
	struct wl_surface **over = data;

	printf("background %dx%d\n", width, height);
	if (!*over)
		*over = cover(window, width, height);
	draw_in(window, width, height);
}
static const struct guest_surfaces_background_v1_listener background_listener = { on_background_size };

// The background of an output, under a subsurface that is larger.
static struct guest_surfaces_background_v1 *lie(const char *output)
{
	static struct wl_surface *over;

	color = 0x8080ff;
	over = NULL;
	window = wl_compositor_create_surface(compositor);
	struct guest_surfaces_background_v1 *background = guest_surfaces_presenter_v1_get_background(host, window, output);
	guest_surfaces_background_v1_add_listener(background, &background_listener, &over);
	wl_display_roundtrip(display);
	wl_display_roundtrip(display);
	return background;
}

// Backgrounds that come and go, their surfaces before or after them, shown and hidden; and at last one for a surface that is one.
static void fidget(void)
{
	for (int i = 0; i < 20; i++) {
		struct guest_surfaces_background_v1 *background = lie("");

		usleep(20000); /* a repaint */
		if (i % 4 == 0) {
			wl_surface_attach(window, NULL, 0, 0);
			wl_surface_commit(window);
			wl_display_roundtrip(display);
			draw_in(window, 640, 480);
		}
		if (i % 2) {
			guest_surfaces_background_v1_destroy(background);
			draw_in(window, 640, 480);
			wl_display_roundtrip(display);
			background = guest_surfaces_presenter_v1_get_background(host, window, "");
			wl_display_roundtrip(display);
		}
		wl_surface_destroy(window);
		wl_display_roundtrip(display);
		guest_surfaces_background_v1_destroy(background);
		wl_display_roundtrip(display);
	}
	lie("");
	puts("fidgeted");
	guest_surfaces_presenter_v1_get_background(host, window, "");
	stay();
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

static uint32_t seed;
static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void on_frame(void *data, struct wl_callback *callback, uint32_t time) { --*(int *)data; }
static const struct wl_callback_listener frame_listener = { on_frame };

// Commits the window, and waits until that is drawn.
static void await_frame(void)
{
	int waiting = 1;
	struct wl_callback *callback = wl_surface_frame(window);

	wl_callback_add_listener(callback, &frame_listener, &waiting);
	wl_surface_commit(window);
	while (waiting)
		if (wl_display_dispatch(display) < 0)
			exit(1);
	wl_callback_destroy(callback);
}

// Windows that come without a subsurface, and get one that is larger, in a commit that changes no size.
static void sneak(void)
{
	is_covered = false;
	for (;;) {
		show(false, NULL);
		await_frame();
		struct wl_surface *over = wl_compositor_create_surface(compositor);
		draw_in(over, wanted_width + 80, wanted_height + 80);
		wl_display_roundtrip(display);
		struct wl_subsurface *sub = wl_subcompositor_get_subsurface(subcompositor, over, window);
		wl_subsurface_set_position(sub, -40, -40);
		wl_subsurface_set_desync(sub);
		draw_in(over, wanted_width + 80, wanted_height + 80);
		await_frame();
		wl_subsurface_destroy(sub);
		wl_surface_destroy(over);
		xdg_toplevel_destroy(toplevel);
		xdg_surface_destroy(shell_surface);
		wl_surface_destroy(window);
	}
}

// A window of another size each refresh; the compositor is told to wait with each commit until the one before was shown.
static void throb(void)
{
	struct wl_buffer *buffers[2];
	struct wl_proxy *fifo;
	int waiting = 0;

	if (!fifo_manager)
		exit(7);
	is_covered = false;
	show(false, NULL);
	fifo = wl_proxy_marshal_flags(fifo_manager, 1, &fifo_interface, 1, 0, NULL, window);
	for (int i = 0; i < 2; i++)
		buffers[i] = make_buffer(200 + 60 * i, 120 + 60 * i, color);
	for (int i = 0;; i = !i) {
		wl_callback_add_listener(wl_surface_frame(window), &frame_listener, &waiting);
		waiting++;
		xdg_surface_set_window_geometry(shell_surface, 0, 0, 200 + 60 * i, 120 + 60 * i);
		wl_surface_attach(window, buffers[i], 0, 0);
		wl_surface_damage(window, 0, 0, INT32_MAX, INT32_MAX);
		wl_proxy_marshal_flags(fifo, 1, NULL, 1, 0);
		wl_proxy_marshal_flags(fifo, 0, NULL, 1, 0);
		wl_surface_commit(window);
		while (waiting > 2)
			if (wl_display_dispatch(display) < 0)
				exit(1);
	}
}

// More backgrounds than anybody needs, without surfaces.
static void pile(void)
{
	for (int i = 0; i < 100; i++) {
		struct wl_surface *surface = wl_compositor_create_surface(compositor);

		guest_surfaces_presenter_v1_get_background(host, surface, "");
		wl_surface_destroy(surface);
		if (wl_display_roundtrip(display) < 0)
			return;
	}
	stay();
}

// Shows frames, each in the other buffer when the last one was shown.
static void flip(struct wl_buffer *const buffers[2], int frames)
{
	for (int i = 0; i < frames; i++) {
		wl_surface_attach(window, buffers[i % 2], 0, 0);
		wl_surface_damage(window, 0, 0, INT32_MAX, INT32_MAX);
		await_frame();
	}
	puts("drawn");
}

static bool open_canvas(void)
{
	if (!connect_display())
		return false;
	is_covered = false;
	wanted_width = 400;
	wanted_height = 300;
	show(false, NULL);
	return true;
}

static int draw(int frames)
{
	if (!open_canvas())
		return 1;
	struct wl_buffer *buffers[] = { make_buffer(wanted_width, wanted_height, color), make_buffer(wanted_width, wanted_height, color) };
	flip(buffers, frames);
	return 0;
}

// The same with dma-bufs, as many frames at a time as is written into a FIFO.
static int draw_dmabufs(const char *fifo)
{
	char line[16];
	FILE *commands = fopen(fifo, "r");

	if (!commands || !open_canvas() || !dmabuf)
		return 1;
	struct wl_buffer *buffers[] = { make_dmabuf(wanted_width, wanted_height, color), make_dmabuf(wanted_width, wanted_height, color) };
	while (fgets(line, sizeof line, commands))
		flip(buffers, atoi(line));
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

// A host of ours. It lets in what its arguments name: a placement's number and a command.
static int serve(int count, char **guests)
{
	for (int i = 0; i < count; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return 1;
		struct guest_surfaces_guest_v1 *guest = guest_surfaces_host_v1_create_guest(serving, pair[0], 0xff0000, 1);
		guest_surfaces_guest_v1_place(guest, atoi(guests[i]), "");
		wl_display_flush(display);
		close(pair[0]);
		if (fork() == 0) {
			char number[16];

			fcntl(pair[1], F_SETFD, 0);
			snprintf(number, sizeof number, "%d", pair[1]);
			setenv("WAYLAND_SOCKET", number, 1);
			execl("/bin/sh", "sh", "-c", strchr(guests[i], ' ') + 1, NULL);
			_exit(127);
		}
		close(pair[1]);
	}
	stay();
	return 0;
}

// A host gone mad: valid requests in any order and of any content first, then anything.
static void rave(void)
{
	struct guest_surfaces_guest_v1 *guests[8] = { NULL };
	char text[64];

	for (int round = 0; round < 400; round++) {
		uint32_t which = any(8);
		int length = any(sizeof text - 1), fd;

		for (int i = 0; i < length; i++)
			text[i] = 1 + any(126);
		text[length] = 0;
		switch (any(5)) {
		case 0:
			guest_surfaces_host_v1_log(serving, text);
			break;
		case 1:
			guest_surfaces_host_v1_set_chord(serving, any(1 << 24) * 257, any(2) ? any(1 << 24) * 257 : 34);
			break;
		case 2:
			fd = any(2) ? open("/dev/null", O_RDWR) : socket(AF_UNIX, SOCK_STREAM, 0);
			if (!guests[which] && any(40) < 39) {
				int pair[2];

				close(fd);
				if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
					return;
				fd = pair[0];
				if (any(2))
					close(pair[1]); /* its presenter is gone at once */
			}
			if (!guests[which])
				guests[which] = guest_surfaces_host_v1_create_guest(serving, fd, any(1 << 24), any(3));
			wl_display_flush(display);
			close(fd);
			break;
		case 3:
			if (guests[which])
				guest_surfaces_guest_v1_place(guests[which], any(1 << 24) * 257, text);
			break;
		default:
			if (guests[which])
				guest_surfaces_guest_v1_destroy(guests[which]);
			guests[which] = NULL;
		}
		if (wl_display_roundtrip(display) < 0)
			return;
	}
	send_junk(wl_proxy_get_id((struct wl_proxy *)serving), true);
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
	wants_host = !strcmp(scenario, "host") || !strcmp(scenario, "serve") || !strcmp(scenario, "rave");
	if (!strcmp(scenario, "draw"))
		return draw(argc > 2 ? seed : 30);
	if (!strcmp(scenario, "draw-dmabufs"))
		return draw_dmabufs(argv[2]);
	if (!strcmp(scenario, "spy"))
		return spy();
	if (!strcmp(scenario, "see") || !strcmp(scenario, "host"))
		return see();
	if (!connect_display())
		return 1;
	if (!strcmp(scenario, "serve"))
		return serve(argc - 2, argv + 2);
	if (!strcmp(scenario, "window") || !strcmp(scenario, "fullscreen")) {
		show(!strcmp(scenario, "fullscreen"), NULL);
		stay();
	} else if (!strcmp(scenario, "placed")) {
		show(false, argv[2]);
		stay();
	} else if (!strcmp(scenario, "obey")) {
		obey(argv[2], atoi(argv[3]));
	} else if (!strcmp(scenario, "background")) {
		lie(argc > 2 ? argv[2] : "");
		stay();
	} else if (!strcmp(scenario, "sneak")) {
		sneak();
	} else if (!strcmp(scenario, "throb")) {
		throb();
	} else if (!strcmp(scenario, "pile")) {
		pile();
	} else if (!strcmp(scenario, "fidget")) {
		fidget();
	} else if (!strcmp(scenario, "rave")) {
		rave();
	} else if (!strcmp(scenario, "keys") || !strcmp(scenario, "hang") || !strcmp(scenario, "flood")) {
		if (seat)
			wl_keyboard_add_listener(wl_seat_get_keyboard(seat), &keyboard_listener, NULL);
		show(false, NULL);
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
	return 1; /* it has lost its connection */
}
