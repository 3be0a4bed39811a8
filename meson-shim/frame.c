/* SPDX-License-Identifier: MIT */
/*
 * The frame of a guest's window: four views of the compositor's own, directly above the window's in the layer where the shell has put it.
 * They lie outside of the window as far as its outputs reach, and else on its edge: what fills a screen has its frame inside.
 *
 * Whatever a client can cause happens in a commit, and the frame follows before the next repaint: idle tasks come first. (Not in the commit
 * itself: the shell hears of it after us.) What shell and user do (move, raise, minimise) it follows after the repaint that shows it.
 */
#include <stdlib.h>
#include <string.h>
#include "guest-surfaces.h"

#define CURSOR_MAX 256

struct frame {
	struct wl_list link;
	struct weston_view *view; /* the guest's */
	struct wl_listener view_destroyed;
	struct window *window;
	struct solid sides[4];
	pixman_box32_t outer; /* where it is; empty: nowhere */
	int width; /* of its sides */
	int clip_width, clip_height; /* of the window's contents; 0: not clipped */
};

/* A surface of a guest. It has a frame for every view that is in a layer: subsurfaces have none. */
struct window {
	struct wl_list link;
	struct guest *guest;
	struct weston_surface *surface;
	struct wl_listener committed, destroyed;
	struct wl_list frames;
};

static bool
is_empty(const pixman_box32_t *box)
{
	return box->x1 >= box->x2 || box->y1 >= box->y2;
}

static void
frame_destroy(struct frame *frame)
{
	struct module *module = frame->window->guest->module;

	for (int i = 0; i < 4; i++)
		if (frame->sides[i].view)
			solid_destroy(&frame->sides[i]);
	wl_list_remove(&frame->view_destroyed.link);
	wl_list_remove(&frame->link);
	free(frame);
	if (--module->frames == 0)
		watch_outputs(module);
}

static void
on_view_destroyed(struct wl_listener *listener, void *data)
{
	struct frame *frame = wl_container_of(listener, frame, view_destroyed);

	frame_destroy(frame);
}

static struct frame *
frame_create(struct window *window, struct weston_view *view)
{
	struct module *module = window->guest->module;
	struct frame *frame = calloc(1, sizeof *frame);

	if (!frame)
		return NULL;
	frame->window = window;
	frame->view = view;
	frame->view_destroyed.notify = on_view_destroyed;
	wl_signal_add(&view->destroy_signal, &frame->view_destroyed);
	wl_list_insert(&window->frames, &frame->link);
	if (module->frames++ == 0)
		watch_outputs(module);
	for (int i = 0; i < 4; i++) {
		if (!solid_create(&frame->sides[i], module->compositor, window->guest->color)) {
			frame_destroy(frame);
			return NULL;
		}
	}
	return frame;
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

static void
frame_place(struct frame *frame, const pixman_box32_t *outer, int side)
{
	int width = outer->x2 - outer->x1, height = outer->y2 - outer->y1;
	int inner = height > 2 * side ? height - 2 * side : 1;

	solid_place(&frame->sides[0], outer->x1, outer->y1, width, side);
	solid_place(&frame->sides[1], outer->x1, outer->y2 - side, width, side);
	solid_place(&frame->sides[2], outer->x1, outer->y1 + side, side, inner);
	solid_place(&frame->sides[3], outer->x2 - side, outer->y1 + side, side, inner);
}

static bool
is_stacked(struct frame *frame)
{
	struct wl_list *link = &frame->view->layer_link.link;

	for (int i = 0; i < 4; i++) {
		link = link->prev;
		if (link != &frame->sides[i].view->layer_link.link)
			return false;
	}
	return true;
}

static void
frame_stack(struct frame *frame)
{
	struct wl_list *above = &frame->view->layer_link.link;

	for (int i = 0; i < 4; i++)
		solid_move(&frame->sides[i], NULL);
	for (int i = 0; i < 4; i++) {
		struct weston_layer_entry *entry = wl_container_of(above->prev, entry, link);

		solid_move(&frame->sides[i], entry);
		above = above->prev;
	}
}

/* Subsurfaces reach no farther than the window, and so not beyond its frame. */
static void
frame_clip(struct frame *frame)
{
	struct weston_surface *surface = frame->view->surface;

	if (frame->view->geometry.parent || wl_list_empty(&surface->subsurface_list))
		return;
	if (frame->clip_width == surface->width && frame->clip_height == surface->height)
		return;
	frame->clip_width = surface->width;
	frame->clip_height = surface->height;
	weston_view_set_mask(frame->view, 0, 0, surface->width, surface->height);
}

static void
frame_follow(struct frame *frame)
{
	int width = frame->window->guest->frame_width;
	pixman_box32_t outer = { 0 };

	if (width > 0 && frame->view->layer_link.layer && weston_view_is_mapped(frame->view)) {
		frame_clip(frame);
		outer = outer_edge(frame->view, width);
	}
	if (is_empty(&outer)) {
		if (!is_empty(&frame->outer))
			for (int i = 0; i < 4; i++)
				solid_move(&frame->sides[i], NULL);
		frame->outer = outer;
		return;
	}
	if (width != frame->width || memcmp(&outer, &frame->outer, sizeof outer) != 0)
		frame_place(frame, &outer, width);
	frame->width = width;
	frame->outer = outer;
	if (!is_stacked(frame))
		frame_stack(frame);
}

static struct frame *
frame_of(struct window *window, struct weston_view *view)
{
	struct frame *frame;

	wl_list_for_each(frame, &window->frames, link)
		if (frame->view == view)
			return frame;
	return NULL;
}

static void
window_follow(struct window *window)
{
	struct weston_view *view;
	struct frame *frame;

	if (window->guest->frame_width > 0)
		wl_list_for_each(view, &window->surface->views, surface_link)
			if (view->layer_link.layer && view->layer_link.layer->position != WESTON_LAYER_POSITION_CURSOR && !frame_of(window, view))
				frame_create(window, view);
	wl_list_for_each(frame, &window->frames, link)
		frame_follow(frame);
}

void
frames_follow(struct module *module)
{
	struct guest *guest;
	struct window *window;

	wl_list_for_each(guest, &module->guests, link)
		wl_list_for_each(window, &guest->windows, link)
			window_follow(window);
}

static void
on_idle(void *data)
{
	struct module *module = data;

	module->idle = NULL;
	frames_follow(module);
}

void
frames_follow_soon(struct module *module)
{
	if (!module->idle)
		module->idle = wl_event_loop_add_idle(wl_display_get_event_loop(module->compositor->wl_display), on_idle, module);
}

/* A picture at the pointer has no frame, and could pass for somebody else's window if it were as large as one. */
static bool
is_too_large_a_cursor(struct weston_surface *surface)
{
	struct weston_view *view;

	wl_list_for_each(view, &surface->views, surface_link)
		if (view->layer_link.layer && view->layer_link.layer->position == WESTON_LAYER_POSITION_CURSOR)
			return surface->width > CURSOR_MAX || surface->height > CURSOR_MAX;
	return false;
}

static void
on_committed(struct wl_listener *listener, void *data)
{
	struct window *window = wl_container_of(listener, window, committed);
	struct guest *guest = window->guest;

	if (is_too_large_a_cursor(window->surface) && guest->client)
		wl_client_post_implementation_error(guest->client, "a cursor larger than %d pixels", CURSOR_MAX);
	else if (guest->frame_width > 0)
		frames_follow_soon(guest->module);
}

static void
window_destroy(struct window *window)
{
	struct frame *frame, *next;

	wl_list_for_each_safe(frame, next, &window->frames, link)
		frame_destroy(frame);
	wl_list_remove(&window->committed.link);
	wl_list_remove(&window->destroyed.link);
	wl_list_remove(&window->link);
	window->guest->surfaces--;
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
	wl_list_init(&window->frames);
	window->committed.notify = on_committed;
	wl_signal_add(&surface->commit_signal, &window->committed);
	window->destroyed.notify = on_destroyed;
	wl_signal_add(&surface->destroy_signal, &window->destroyed);
	wl_list_insert(&guest->windows, &window->link);
	guest->surfaces++;
}

void
windows_destroy(struct guest *guest)
{
	struct window *window, *next;

	wl_list_for_each_safe(window, next, &guest->windows, link)
		window_destroy(window);
}
