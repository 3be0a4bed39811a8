// SPDX-License-Identifier: MIT
// A libwayland client that talks to the display in WAYLAND_DISPLAY and says on stdout what it saw. The first argument is the scenario.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include "xdg-shell-client.h"
#include "linux-dmabuf-v1-client.h"

static struct wl_compositor *compositor;
static struct wl_shm *shm;
static struct wl_seat *seat;
static struct xdg_wm_base *wm_base;
static struct zwp_linux_dmabuf_v1 *dmabuf;
static int formats, frames, releases;

static void shm_format(void *data, struct wl_shm *s, uint32_t format) { formats++; }
static const struct wl_shm_listener shm_listener = { .format = shm_format };

static void global(void *data, struct wl_registry *registry, uint32_t name, const char *type, uint32_t version)
{
	if (!strcmp(type, "wl_compositor"))
		compositor = wl_registry_bind(registry, name, &wl_compositor_interface, version < 5 ? version : 5);
	else if (!strcmp(type, "wl_shm")) {
		shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
		wl_shm_add_listener(shm, &shm_listener, NULL);
	} else if (!strcmp(type, "wl_seat"))
		seat = wl_registry_bind(registry, name, &wl_seat_interface, 8);
	else if (!strcmp(type, "xdg_wm_base"))
		wm_base = wl_registry_bind(registry, name, &xdg_wm_base_interface, version);
	else if (!strcmp(type, "zwp_linux_dmabuf_v1"))
		dmabuf = wl_registry_bind(registry, name, &zwp_linux_dmabuf_v1_interface, version);
}

static void global_remove(void *data, struct wl_registry *registry, uint32_t name) { printf("removed %u\n", name); }
static const struct wl_registry_listener registry_listener = { global, global_remove };

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
	frames++;
	wl_callback_destroy(callback);
}
static const struct wl_callback_listener frame_listener = { frame_done };

static void released(void *data, struct wl_buffer *buffer) { releases++; }
static const struct wl_buffer_listener buffer_listener = { released };

static void surface_configure(void *data, struct xdg_surface *surface, uint32_t serial)
{
	xdg_surface_ack_configure(surface, serial);
	puts("configured");
}
static const struct xdg_surface_listener surface_listener = { surface_configure };

static void toplevel_configure(void *data, struct xdg_toplevel *t, int32_t w, int32_t h, struct wl_array *states)
{
	printf("size %dx%d, %zu states\n", w, h, states->size / 4);
}
static void toplevel_close(void *data, struct xdg_toplevel *t) {}
static void toplevel_bounds(void *data, struct xdg_toplevel *t, int32_t w, int32_t h) {}
static void toplevel_capabilities(void *data, struct xdg_toplevel *t, struct wl_array *c) {}
static const struct xdg_toplevel_listener toplevel_listener = { toplevel_configure, toplevel_close, toplevel_bounds, toplevel_capabilities };

static void keymap(void *data, struct wl_keyboard *k, uint32_t format, int32_t fd, uint32_t size)
{
	char text[64] = "";
	if (pread(fd, text, size < 63 ? size : 63, 0) < 0)
		exit(4);
	close(fd);
	printf("keymap %u '%s'\n", format, text);
}
static void key_enter(void *d, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s, struct wl_array *keys)
{
	printf("enter with %zu bytes of keys\n", keys->size);
}
static void key_leave(void *d, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s) {}
static void key(void *d, struct wl_keyboard *k, uint32_t serial, uint32_t time, uint32_t key, uint32_t state) {}
static void modifiers(void *d, struct wl_keyboard *k, uint32_t s, uint32_t a, uint32_t b, uint32_t c, uint32_t g) {}
static void repeat(void *d, struct wl_keyboard *k, int32_t rate, int32_t delay) { printf("repeat %d %d\n", rate, delay); }
static const struct wl_keyboard_listener keyboard_listener = { keymap, key_enter, key_leave, key, modifiers, repeat };

static void created(void *data, struct zwp_linux_buffer_params_v1 *params, struct wl_buffer *buffer)
{
	printf("created a server-made buffer: %s\n", wl_proxy_get_id((struct wl_proxy *)buffer) >= 0xff000000 ? "yes" : "no");
	wl_buffer_destroy(buffer);
}
static void failed(void *data, struct zwp_linux_buffer_params_v1 *params) { puts("failed"); }
static const struct zwp_linux_buffer_params_v1_listener params_listener = { created, failed };

int main(int argc, char **argv)
{
	struct wl_display *display = wl_display_connect(NULL);
	if (argc != 2 || !display)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct wl_registry *registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	wl_display_roundtrip(display);
	wl_display_roundtrip(display);
	printf("formats %d\n", formats);

	struct wl_surface *surface = wl_compositor_create_surface(compositor);
	int fd = memfd_create("pool", MFD_CLOEXEC);
	if (ftruncate(fd, 8192))
		return 3;
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, 8192);
	struct wl_buffer *buffers[2] = {
		wl_shm_pool_create_buffer(pool, 0, 16, 16, 64, WL_SHM_FORMAT_XRGB8888), wl_shm_pool_create_buffer(pool, 4096, 16, 16, 64, WL_SHM_FORMAT_XRGB8888),
	};
	wl_shm_pool_destroy(pool);

	if (!strcmp(argv[1], "window")) {
		struct xdg_surface *xdg = xdg_wm_base_get_xdg_surface(wm_base, surface);
		xdg_surface_add_listener(xdg, &surface_listener, NULL);
		struct xdg_toplevel *toplevel = xdg_surface_get_toplevel(xdg);
		xdg_toplevel_add_listener(toplevel, &toplevel_listener, NULL);
		wl_surface_commit(surface);
		wl_display_roundtrip(display);
		wl_buffer_add_listener(buffers[0], &buffer_listener, NULL);
		wl_buffer_add_listener(buffers[1], &buffer_listener, NULL);
		for (int i = 0; i < 500; i++) {
			wl_surface_attach(surface, buffers[i & 1], 0, 0);
			wl_surface_damage_buffer(surface, 0, 0, 16, 16);
			wl_callback_add_listener(wl_surface_frame(surface), &frame_listener, NULL);
			wl_surface_commit(surface);
			while (frames <= i && wl_display_dispatch(display) >= 0)
				;
		}
		printf("frames %d releases %d\n", frames, releases);
		wl_keyboard_add_listener(wl_seat_get_keyboard(seat), &keyboard_listener, NULL);
		wl_display_roundtrip(display);
		xdg_toplevel_destroy(toplevel);
		xdg_surface_destroy(xdg);
	} else if (!strcmp(argv[1], "dmabuf")) {
		for (int i = 0; i < 40; i++) {
			struct zwp_linux_buffer_params_v1 *params = zwp_linux_dmabuf_v1_create_params(dmabuf);
			zwp_linux_buffer_params_v1_add_listener(params, &params_listener, NULL);
			zwp_linux_buffer_params_v1_add(params, fd, 0, 0, 64, 0, 0);
			zwp_linux_buffer_params_v1_create(params, 16, 16, 0x34325258, 0);
			// Every other one is destroyed while its answer is on the way.
			if (i & 1)
				zwp_linux_buffer_params_v1_destroy(params);
			wl_display_roundtrip(display);
		}
	} else {
		xdg_wm_base_get_xdg_surface(wm_base, surface);
		wl_surface_attach(surface, buffers[0], 0, 0);
		struct zwp_linux_buffer_params_v1 *params = zwp_linux_dmabuf_v1_create_params(dmabuf);
		zwp_linux_buffer_params_v1_create(params, 16, 16, 0x34325258, 0);
		if (wl_display_roundtrip(display) < 0) {
			const struct wl_interface *type = NULL;
			uint32_t id, code = wl_display_get_protocol_error(display, &type, &id);
			printf("error %u on %s\n", code, type ? type->name : "?");
		}
	}

	close(fd);
	printf("last error %d\n", wl_display_get_error(display));
	wl_display_disconnect(display);
	return 0;
}
