// SPDX-License-Identifier: MIT
// The least that a presenter on libwayland can do: two ready wl_shm buffers and a window. A byte on descriptor 3 is a guest's flush: the other buffer is attached and
// committed. When the compositor has taken it and given the one before back, a byte goes back. Ends with descriptor 3.
//
//   flip-client WAYLAND-SOCKET
#define _GNU_SOURCE
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include "presentation-time-client.h"
#include "xdg-shell-client.h"

enum { SIDE = 512, BYTES = SIDE * SIDE * 4, KICK = 3 };

static struct wl_compositor *compositor;
static struct wl_shm *shm;
static struct wp_presentation *presentation;
static struct xdg_wm_base *wm_base;
static struct wl_buffer *buffers[2];
static bool is_read[2], is_configured, is_latched = true;
static int next;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void global(void *data, struct wl_registry *registry, uint32_t name, const char *type, uint32_t version)
{
	if (!strcmp(type, "wl_compositor"))
		compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
	else if (!strcmp(type, "wl_shm"))
		shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
	else if (!strcmp(type, "wp_presentation"))
		presentation = wl_registry_bind(registry, name, &wp_presentation_interface, 1);
	else if (!strcmp(type, "xdg_wm_base"))
		wm_base = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
}

static void global_remove(void *data, struct wl_registry *registry, uint32_t name) { }
static const struct wl_registry_listener registry_listener = { global, global_remove };

static void configure(void *data, struct xdg_surface *surface, uint32_t serial)
{
	xdg_surface_ack_configure(surface, serial);
	is_configured = true;
}
static const struct xdg_surface_listener surface_listener = { configure };

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
	is_latched = true;
	wl_callback_destroy(callback);
}
static const struct wl_callback_listener frame_listener = { frame_done };

static void released(void *data, struct wl_buffer *buffer) { is_read[buffer == buffers[1]] = false; }
static const struct wl_buffer_listener buffer_listener = { released };

static void sync_output(void *data, struct wp_presentation_feedback *feedback, struct wl_output *output) { }

static void presented(void *data, struct wp_presentation_feedback *feedback, uint32_t hi, uint32_t lo, uint32_t ns, uint32_t refresh, uint32_t seq_hi,
	uint32_t seq_lo, uint32_t flags)
{
	wp_presentation_feedback_destroy(feedback);
}

static void discarded(void *data, struct wp_presentation_feedback *feedback) { wp_presentation_feedback_destroy(feedback); }
static const struct wp_presentation_feedback_listener feedback_listener = { sync_output, presented, discarded };

static void flip(struct wl_surface *surface)
{
	wl_surface_attach(surface, buffers[next], 0, 0);
	wl_surface_damage_buffer(surface, 0, 0, SIDE, SIDE);
	wl_callback_add_listener(wl_surface_frame(surface), &frame_listener, NULL);
	wp_presentation_feedback_add_listener(wp_presentation_feedback(presentation, surface), &feedback_listener, NULL);
	wl_surface_commit(surface);
	is_read[next] = true;
	is_latched = false;
	next ^= 1;
}

int main(int count, char **arguments)
{
	struct wl_display *display = count == 2 ? wl_display_connect(arguments[1]) : NULL;
	if (!display)
		die("usage: flip-client WAYLAND-SOCKET");
	wl_registry_add_listener(wl_display_get_registry(display), &registry_listener, NULL);
	wl_display_roundtrip(display);
	int file = memfd_create("pixels", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 2 * BYTES) < 0)
		die("memfd");
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, file, 2 * BYTES);
	for (int i = 0; i < 2; i++) {
		buffers[i] = wl_shm_pool_create_buffer(pool, i * BYTES, SIDE, SIDE, SIDE * 4, WL_SHM_FORMAT_XRGB8888);
		wl_buffer_add_listener(buffers[i], &buffer_listener, NULL);
	}
	struct wl_surface *surface = wl_compositor_create_surface(compositor);
	struct xdg_surface *xdg_surface = xdg_wm_base_get_xdg_surface(wm_base, surface);
	xdg_surface_add_listener(xdg_surface, &surface_listener, NULL);
	xdg_surface_get_toplevel(xdg_surface);
	wl_surface_commit(surface);
	while (!is_configured)
		if (wl_display_dispatch(display) < 0)
			die("dispatch");

	bool is_awaited = false;
	for (;;) {
		struct pollfd files[] = { { KICK, POLLIN, 0 }, { wl_display_get_fd(display), POLLIN, 0 } };
		while (wl_display_prepare_read(display) < 0)
			wl_display_dispatch_pending(display);
		if (wl_display_flush(display) < 0 || poll(files, 2, -1) < 0)
			die("poll");
		if (files[1].revents) {
			if (wl_display_read_events(display) < 0 || wl_display_dispatch_pending(display) < 0)
				return 0;
		} else {
			wl_display_cancel_read(display);
		}
		if (is_awaited && is_latched && !is_read[next]) {
			is_awaited = false;
			if (write(KICK, "", 1) != 1)
				return 0;
		}
		if (files[0].revents) {
			char kick;
			if (read(KICK, &kick, 1) != 1)
				return 0;
			flip(surface);
			is_awaited = true;
		}
	}
}
