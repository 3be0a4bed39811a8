/* SPDX-License-Identifier: MIT */
/* What changed between the majors of libweston that this is built for: 10, 14 and 16. Nothing else here asks for a version. */
#pragma once
#include <stdlib.h>
#include <libweston/libweston.h>
#include <libweston/version.h>
#include <wayland-version.h>

/*
 * A message that says it is longer than the buffer for it is never complete, and libwayland 1.23 reads again and again instead of ending the
 * client. A message's length has 16 bits.
 */
static inline void
client_take_any_length(struct wl_client *client)
{
#if WAYLAND_VERSION_MAJOR > 1 || WAYLAND_VERSION_MINOR >= 23
	wl_client_set_max_buffer_size(client, 1 << 16);
#endif
}

/* From 16 on a commit may wait for a time or a barrier, and takes effect when its output is about to be repainted: after all idle tasks. NULL: it can't. */
static inline struct wl_signal *
output_latch_signal(struct weston_output *output)
{
#if WESTON_VERSION_MAJOR >= 16
	return &output->post_latch_signal;
#else
	return NULL;
#endif
}

/* What a keyboard's grab is told of a key. */
#if WESTON_VERSION_MAJOR >= 16
#define GRAB_EVENT const struct weston_key_event *event
#define GRAB_TIME (&event->base.ts)
#define GRAB_KEY (event->key)
#define GRAB_KEY_STATE (event->key_state)
#else
#define GRAB_EVENT const struct timespec *time, uint32_t code, uint32_t state
#define GRAB_TIME time
#define GRAB_KEY code
#define GRAB_KEY_STATE state
#endif

static inline void
view_place(struct weston_view *view, int x, int y)
{
#if WESTON_VERSION_MAJOR >= 13
	weston_view_set_position(view, (struct weston_coord_global) { .c = { .x = x, .y = y } });
#else
	weston_view_set_position(view, x, y);
#endif
}

/* Shows a view of ours, directly under an entry of a layer. */
static inline void
view_insert(struct weston_view *view, struct weston_layer_entry *under)
{
#if WESTON_VERSION_MAJOR >= 13
	weston_surface_map(view->surface);
	weston_view_move_to_layer(view, under);
#else
	view->surface->is_mapped = true;
	view->is_mapped = true;
	weston_layer_entry_insert(under, &view->layer_link);
	weston_view_geometry_dirty(view);
	weston_compositor_schedule_repaint(view->surface->compositor);
#endif
}

/* A curtain is a view of the compositor's own, of one colour; ours take no input. */
#if WESTON_VERSION_MAJOR >= 12
#include <libweston/shell-utils.h>

static inline struct weston_curtain *
curtain_create(struct weston_compositor *compositor, uint32_t rgb, int width, int height)
{
	struct weston_curtain_params params = {
		.r = (rgb >> 16 & 0xff) / 255.0f, .g = (rgb >> 8 & 0xff) / 255.0f, .b = (rgb & 0xff) / 255.0f, .a = 1.0f,
		.width = width, .height = height,
	};

	return weston_shell_utils_curtain_create(compositor, &params);
}

static inline void
curtain_destroy(struct weston_curtain *curtain)
{
	weston_shell_utils_curtain_destroy(curtain);
}
#else
struct weston_curtain { struct weston_view *view; };

static inline struct weston_curtain *
curtain_create(struct weston_compositor *compositor, uint32_t rgb, int width, int height)
{
	struct weston_curtain *curtain = calloc(1, sizeof *curtain);
	struct weston_surface *surface = weston_surface_create(compositor);

	if (curtain && surface)
		curtain->view = weston_view_create(surface);
	if (!curtain || !curtain->view) {
		if (surface)
			weston_surface_destroy(surface);
		free(curtain);
		return NULL;
	}
	weston_surface_set_color(surface, (rgb >> 16 & 0xff) / 255.0f, (rgb >> 8 & 0xff) / 255.0f, (rgb & 0xff) / 255.0f, 1.0f);
	weston_surface_set_size(surface, width, height);
	pixman_region32_fini(&surface->opaque);
	pixman_region32_init_rect(&surface->opaque, 0, 0, width, height);
	pixman_region32_fini(&surface->input);
	pixman_region32_init(&surface->input);
	weston_surface_damage(surface);
	return curtain;
}

static inline void
curtain_destroy(struct weston_curtain *curtain)
{
	weston_surface_destroy(curtain->view->surface); /* and with it the view */
	free(curtain);
}
#endif
