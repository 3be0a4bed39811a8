/* SPDX-License-Identifier: MIT */
/*
 * The frame of a guest's window: four views of the compositor's own, directly above the window's in the layer where the shell has put it.
 * They lie outside of the window as far as its outputs reach, and else on its edge: what fills a screen has its frame inside.
 *
 * Whatever a client can cause happens in a commit that shows, sizes or hides a surface, and the frame follows before the next repaint. (Not in the
 * commit itself: the shell hears of it after us.) What shell and user do (move, raise, minimise) it follows at the next
 * transform of any view, which at the latest is in the repaint that shows it. So a guest that only draws has nothing done for it.
 */
#include <stdlib.h>
#include <string.h>
#include "guest-surfaces.h"
#include "guest-surfaces-weston-v1-server-protocol.h"

#define CURSOR_MAX 256

/* A surface of a guest. */
struct window {
	struct wl_list link;
	struct guest *guest;
	struct weston_surface *surface;
	struct wl_listener committed, destroyed;
	char *output; /* where it is to come up; NULL: where the shell puts it */
	struct weston_curtain *sides[4]; /* the frame; NULL: there is none now */
	struct wl_listener view_destroyed; /* of what is in the frame */
	pixman_box32_t outer; /* the frame's edge */
	int width; /* of its sides */
	int seen_width, seen_height; /* of the surface, at the last commit */
};

static bool
is_empty(const pixman_box32_t *box)
{
	return box->x1 >= box->x2 || box->y1 >= box->y2;
}

static void
frame_destroy(struct window *window)
{
	for (int i = 0; i < 4; i++) {
		if (window->sides[i])
			curtain_destroy(window->sides[i]);
		window->sides[i] = NULL;
	}
	wl_list_remove(&window->view_destroyed.link);
	wl_list_init(&window->view_destroyed.link);
}

static void
on_view_destroyed(struct wl_listener *listener, void *data)
{
	struct window *window = wl_container_of(listener, window, view_destroyed);

	wl_list_remove(&listener->link);
	wl_list_init(&listener->link);
	follow_soon(window->guest->module); /* Weston 10 lists all views again when one is destroyed, and must not come upon a half-destroyed one */
}

/* How wide a guest's frame is; 0: it has none. */
static int
frame_width(const struct guest *guest)
{
	const struct grab *grab = &guest->module->grab;
	bool is_framed = guest->frame != GUEST_SURFACES_HOST_V1_FRAME_NEVER
		&& (guest->frame != GUEST_SURFACES_HOST_V1_FRAME_UNLESS_FULLSCREEN || guest->placement != GUEST_SURFACES_PRESENTER_V1_PLACEMENT_KIND_FULLSCREEN);

	if (grab->guest == guest && (is_framed || grab->is_told))
		return 2 * FRAME_WIDTH;
	return is_framed ? FRAME_WIDTH : 0;
}

/* Where the frame's outer edge is, in the compositor's coordinates: around the view, but on the outputs that it touches. */
static pixman_box32_t
outer_edge(struct weston_view *view, int width)
{
	pixman_box32_t box, bounds = { INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN };
	struct weston_output *output;

	weston_view_update_transform(view);
	box = *pixman_region32_extents(&view->transform.boundingbox);
	wl_list_for_each(output, &view->surface->compositor->output_list, link) {
		const pixman_box32_t *screen = pixman_region32_extents(&output->region);

		if (!(view->output_mask & (1u << output->id)))
			continue;
		bounds.x1 = screen->x1 < bounds.x1 ? screen->x1 : bounds.x1;
		bounds.y1 = screen->y1 < bounds.y1 ? screen->y1 : bounds.y1;
		bounds.x2 = screen->x2 > bounds.x2 ? screen->x2 : bounds.x2;
		bounds.y2 = screen->y2 > bounds.y2 ? screen->y2 : bounds.y2;
	}
	if (is_empty(&box) || is_empty(&bounds))
		return (pixman_box32_t) { 0 };
	box.x1 = box.x1 - width > bounds.x1 ? box.x1 - width : bounds.x1;
	box.y1 = box.y1 - width > bounds.y1 ? box.y1 - width : bounds.y1;
	box.x2 = box.x2 + width < bounds.x2 ? box.x2 + width : bounds.x2;
	box.y2 = box.y2 + width < bounds.y2 ? box.y2 + width : bounds.y2;
	return box;
}

/* A frame doesn't move: where the window has moved, it is made anew. */
static void
frame_create(struct window *window, struct weston_view *view)
{
	const pixman_box32_t *outer = &window->outer;
	int side = window->width, width = outer->x2 - outer->x1, height = outer->y2 - outer->y1;
	int inner = height > 2 * side ? height - 2 * side : 1;
	const pixman_box32_t boxes[4] = { /* each with its size */
		{ outer->x1, outer->y1, width, side },
		{ outer->x1, outer->y2 - side, width, side },
		{ outer->x1, outer->y1 + side, side, inner },
		{ outer->x2 - side, outer->y1 + side, side, inner },
	};

	for (int i = 0; i < 4; i++) {
		struct wl_list *above = view->layer_link.link.prev;
		struct weston_layer_entry *entry = wl_container_of(above, entry, link);
		struct weston_curtain *curtain = curtain_create(view->surface->compositor, window->guest->color, boxes[i].x2, boxes[i].y2);

		window->sides[i] = curtain;
		if (!curtain)
			continue;
		view_place(curtain->view, boxes[i].x1, boxes[i].y1);
		view_insert(curtain->view, entry);
	}
	wl_signal_add(&view->destroy_signal, &window->view_destroyed);
}

/* The last side is the lowest. */
static bool
is_stacked(struct window *window, struct weston_view *view)
{
	struct wl_list *link = &view->layer_link.link;

	for (int i = 3; i >= 0; i--) {
		link = link->prev;
		if (!window->sides[i] || link != &window->sides[i]->view->layer_link.link)
			return false;
	}
	return true;
}

/* A view's subsurfaces reach no farther than this. */
void
view_clip(struct weston_view *view, int width, int height)
{
	const pixman_box32_t *box = pixman_region32_extents(&view->geometry.scissor);

	if (!view->geometry.scissor_enabled || box->x2 != width || box->y2 != height)
		weston_view_set_mask(view, 0, 0, width, height);
}

/*
 * What needs a frame: what is in a layer (subsurfaces aren't), but for a picture at the pointer that is too small to pass for a window. What is under
 * everything doesn't pass for one either, and has a frame while it has the keyboard for itself alone.
 */
static struct weston_view *
shown_view(struct window *window)
{
	struct module *module = window->guest->module;
	struct weston_surface *surface = window->surface;
	struct weston_layer *layer;
	struct weston_view *view;

	wl_list_for_each(view, &surface->views, surface_link) {
		layer = view->layer_link.layer;
		if (!layer || !weston_view_is_mapped(view))
			continue;
		if (layer == &module->background_layer && module->grab.guest != window->guest)
			continue;
		if (layer->position != WESTON_LAYER_POSITION_CURSOR || surface->width > CURSOR_MAX || surface->height > CURSOR_MAX)
			return view;
	}
	return NULL;
}

/* Once: what the user does later stays. */
static void
move_to_output(struct window *window, struct weston_view *view)
{
	struct weston_output *output = output_named(window->guest->module, window->output);

	if (output && output != view->output && !view->geometry.parent) {
		const pixman_box32_t *screen = pixman_region32_extents(&output->region);

		view_place(view, (screen->x1 + screen->x2 - view->surface->width) / 2, (screen->y1 + screen->y2 - view->surface->height) / 2);
	}
	free(window->output);
	window->output = NULL;
}

static void
window_follow(struct window *window)
{
	struct weston_view *view = shown_view(window);
	int width = frame_width(window->guest);
	pixman_box32_t outer = { 0 };

	if (view && window->output)
		move_to_output(window, view);
	if (view && width > 0) {
		if (!view->geometry.parent)
			view_clip(view, window->surface->width, window->surface->height); /* whatever subsurfaces it is yet to get */
		outer = outer_edge(view, width);
	}
	if (!is_empty(&outer) && memcmp(&outer, &window->outer, sizeof outer) == 0 && width == window->width && is_stacked(window, view))
		return;
	frame_destroy(window);
	window->outer = outer;
	window->width = width;
	if (!is_empty(&outer))
		frame_create(window, view);
}

void
windows_follow(struct guest *guest)
{
	struct window *window;

	wl_list_for_each(window, &guest->windows, link)
		window_follow(window);
}

static void
on_committed(struct wl_listener *listener, void *data)
{
	struct window *window = wl_container_of(listener, window, committed);
	const struct weston_surface *surface = window->surface;

	if (surface->width == window->seen_width && surface->height == window->seen_height)
		return;
	window->seen_width = surface->width;
	window->seen_height = surface->height;
	follow_soon(window->guest->module);
}

static void
window_destroy(struct window *window)
{
	frame_destroy(window);
	wl_list_remove(&window->committed.link);
	wl_list_remove(&window->destroyed.link);
	wl_list_remove(&window->link);
	window->guest->surfaces--;
	free(window->output);
	free(window);
}

static void
on_destroyed(struct wl_listener *listener, void *data)
{
	struct window *window = wl_container_of(listener, window, destroyed);

	window_destroy(window);
}

void
window_create(struct guest *guest, struct weston_surface *surface)
{
	struct window *window = guest->surfaces < SURFACES_MAX ? calloc(1, sizeof *window) : NULL;

	if (!window) {
		wl_client_post_no_memory(guest->client);
		return;
	}
	window->guest = guest;
	window->surface = surface;
	window->view_destroyed.notify = on_view_destroyed;
	wl_list_init(&window->view_destroyed.link);
	window->committed.notify = on_committed;
	wl_signal_add(&surface->commit_signal, &window->committed);
	window->destroyed.notify = on_destroyed;
	wl_signal_add(&surface->destroy_signal, &window->destroyed);
	wl_list_insert(&guest->windows, &window->link);
	guest->surfaces++;
}

void
window_set_output(struct guest *guest, struct weston_surface *surface, const char *output)
{
	struct window *window;

	wl_list_for_each(window, &guest->windows, link) {
		if (window->surface != surface || weston_surface_is_mapped(surface))
			continue;
		free(window->output);
		window->output = strdup(output);
	}
}

void
windows_destroy(struct guest *guest)
{
	struct window *window, *next;

	wl_list_for_each_safe(window, next, &guest->windows, link)
		window_destroy(window);
}
