/* SPDX-License-Identifier: MIT */
/* What changed between the majors of libweston that this is built for: 10, 14 and 16. Nothing else here asks for a version. */
#pragma once
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

/* What a keyboard's grab is told of a key. */
#if WESTON_VERSION_MAJOR >= 16
#define KEY_EVENT const struct weston_key_event *event
#define KEY_TIME (&event->base.ts)
#define KEY_CODE (event->key)
#define KEY_STATE (event->key_state)
#else
#define KEY_EVENT const struct timespec *time, uint32_t code, uint32_t state
#define KEY_TIME time
#define KEY_CODE code
#define KEY_STATE state
#endif

/* A surface of the compositor itself, of one colour, that takes no input. */
struct solid {
	struct weston_view *view;
#if WESTON_VERSION_MAJOR >= 11
	struct weston_buffer_reference *buffer;
#endif
};

static inline struct weston_surface *
solid_surface(struct weston_compositor *compositor)
{
#if WESTON_VERSION_MAJOR >= 16
	return weston_surface_create(compositor, NULL);
#else
	return weston_surface_create(compositor);
#endif
}

static inline void
solid_surface_drop(struct weston_surface *surface)
{
#if WESTON_VERSION_MAJOR >= 11
	weston_surface_unref(surface);
#else
	weston_surface_destroy(surface);
#endif
}

static inline bool
solid_create(struct solid *solid, struct weston_compositor *compositor, uint32_t rgb)
{
	float r = ((rgb >> 16) & 0xff) / 255.0f, g = ((rgb >> 8) & 0xff) / 255.0f, b = (rgb & 0xff) / 255.0f;
	struct weston_surface *surface = solid_surface(compositor);

	if (!surface)
		return false;
	solid->view = weston_view_create(surface);
#if WESTON_VERSION_MAJOR >= 11
	solid->buffer = solid->view ? weston_buffer_create_solid_rgba(compositor, r, g, b, 1.0f) : NULL;
	if (!solid->buffer) {
#else
	if (!solid->view) {
#endif
		solid_surface_drop(surface); /* and with it the view */
		solid->view = NULL;
		return false;
	}
#if WESTON_VERSION_MAJOR < 11
	weston_surface_set_color(surface, r, g, b, 1.0f);
#endif
	pixman_region32_fini(&surface->input);
	pixman_region32_init(&surface->input);
	return true;
}

static inline void
solid_destroy(struct solid *solid)
{
	struct weston_surface *surface = solid->view->surface;

	weston_view_destroy(solid->view);
	solid_surface_drop(surface);
#if WESTON_VERSION_MAJOR >= 11
	weston_buffer_destroy_solid(solid->buffer);
#endif
}

static inline void
solid_place(struct solid *solid, int x, int y, int width, int height)
{
	struct weston_surface *surface = solid->view->surface;

#if WESTON_VERSION_MAJOR >= 11
	struct weston_coord_global at = { .c = { .x = x, .y = y } };

	weston_surface_attach_solid(surface, solid->buffer, width, height);
	if (!weston_surface_is_mapped(surface))
		weston_surface_map(surface);
	weston_view_set_position(solid->view, at);
#else
	weston_surface_set_size(surface, width, height);
	pixman_region32_fini(&surface->opaque);
	pixman_region32_init_rect(&surface->opaque, 0, 0, width, height);
	surface->is_mapped = true;
	weston_view_set_position(solid->view, x, y);
	weston_surface_damage(surface);
#endif
}

/* Puts it directly under an entry of a layer; NULL: nowhere. */
static inline void
solid_move(struct solid *solid, struct weston_layer_entry *under)
{
#if WESTON_VERSION_MAJOR >= 13
	weston_view_move_to_layer(solid->view, under);
#else
	if (weston_view_is_mapped(solid->view))
		weston_view_damage_below(solid->view);
	weston_layer_entry_remove(&solid->view->layer_link);
	solid->view->is_mapped = under != NULL;
	if (under)
		weston_layer_entry_insert(under, &solid->view->layer_link);
	weston_view_geometry_dirty(solid->view);
	weston_compositor_schedule_repaint(solid->view->surface->compositor);
#endif
}
