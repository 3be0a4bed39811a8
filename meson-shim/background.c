/* SPDX-License-Identifier: MIT */
/*
 * A guest as an output's background: in a layer of its own, under every window. It has no frame, since nothing that is under everything passes for a
 * window. Input goes to it where nothing else is.
 */
#include <string.h>
#include <linux/input-event-codes.h>
#include "guest-surfaces.h"
#include "guest-surfaces-weston-v1-server-protocol.h"

struct background {
	struct wl_list link;
	struct guest *guest;
	struct wl_resource *resource;
	struct weston_view *view; /* NULL: its surface is gone */
	struct wl_listener view_destroyed;
	char *output;
	pixman_box32_t place; /* where it belongs; its size has been told */
};

struct weston_output *
output_named(struct module *module, const char *name)
{
	struct weston_output *output;

	wl_list_for_each(output, &module->compositor->output_list, link)
		if (strcmp(output->name, name) == 0)
			return output;
	return NULL;
}

/* The output that it asked for, or else the first. */
static struct weston_output *
output_of(struct background *background)
{
	struct wl_list *outputs = &background->guest->module->compositor->output_list;
	struct weston_output *output = output_named(background->guest->module, background->output);

	if (!output && !wl_list_empty(outputs))
		output = wl_container_of(outputs->next, output, link);
	return output;
}

static void
background_follow(struct background *background)
{
	struct weston_output *output = output_of(background);
	struct weston_view *view = background->view;
	pixman_box32_t place;

	if (!view || !output)
		return;
	place = *pixman_region32_extents(&output->region);
	if (memcmp(&place, &background->place, sizeof place) != 0) {
		background->place = place;
		view_place(view, place.x1, place.y1);
		guest_surfaces_background_v1_send_configure(background->resource, place.x2 - place.x1, place.y2 - place.y1);
	}
	if (view->surface->width == 0) /* without a picture Weston has hidden it itself */
		return;
	view_clip(view, place.x2 - place.x1, place.y2 - place.y1);
	if (!view->layer_link.layer)
		view_insert(view, &background->guest->module->background_layer.view_list);
}

void
backgrounds_follow(struct module *module)
{
	struct background *background;

	wl_list_for_each(background, &module->backgrounds, link)
		background_follow(background);
}

static void
on_view_destroyed(struct wl_listener *listener, void *data)
{
	struct background *background = wl_container_of(listener, background, view_destroyed);

	background->view = NULL;
}

static void
on_destroyed(struct wl_resource *resource)
{
	struct background *background = wl_resource_get_user_data(resource);

	if (background->view) {
		wl_list_remove(&background->view_destroyed.link);
		weston_view_destroy(background->view);
	}
	background->guest->backgrounds--;
	wl_list_remove(&background->link);
	free(background->output);
	free(background);
}

static void
on_destroy(struct wl_client *client, struct wl_resource *resource)
{
	wl_resource_destroy(resource);
}

static const struct guest_surfaces_background_v1_interface requests = { .destroy = on_destroy };

void
background_create(struct guest *guest, struct wl_resource *presenter, uint32_t id, struct weston_surface *surface, const char *output)
{
	struct wl_client *client = wl_resource_get_client(presenter);
	struct background *background;

	/* (a surface keeps its role: it may be a background again, but not twice at a time) */
	if (!wl_list_empty(&surface->views)) {
		wl_resource_post_error(presenter, GUEST_SURFACES_PRESENTER_V1_ERROR_ROLE, "the surface is shown already");
		return;
	}
	if (weston_surface_set_role(surface, "guest_surfaces_background_v1", presenter, GUEST_SURFACES_PRESENTER_V1_ERROR_ROLE) < 0)
		return;
	background = guest->backgrounds < BACKGROUNDS_MAX ? calloc(1, sizeof *background) : NULL;
	if (background) {
		background->guest = guest;
		background->output = strdup(output);
		background->resource = wl_resource_create(client, &guest_surfaces_background_v1_interface, 1, id);
		background->view = background->output && background->resource ? weston_view_create(surface) : NULL;
	}
	if (!background || !background->view) {
		if (background)
			free(background->output);
		free(background);
		wl_client_post_no_memory(client);
		return;
	}
	background->view_destroyed.notify = on_view_destroyed;
	wl_signal_add(&background->view->destroy_signal, &background->view_destroyed);
	wl_list_insert(&guest->module->backgrounds, &background->link);
	guest->backgrounds++;
	wl_resource_set_implementation(background->resource, &requests, background, on_destroyed);
	background_follow(background);
}

static bool
is_locked(struct module *module)
{
	struct weston_layer *layer;

	wl_list_for_each(layer, &module->compositor->layer_list, link)
		if (layer->position == WESTON_LAYER_POSITION_LOCK)
			return true;
	return false;
}

/* As shells do it for windows: a click brings the keyboard. */
static void
on_click(struct weston_pointer *pointer, const struct timespec *time, uint32_t button, void *data)
{
	struct weston_surface *clicked = pointer->focus ? weston_surface_get_main_surface(pointer->focus->surface) : NULL;
	struct module *module = data;
	struct background *background;

	if (pointer->grab != &pointer->default_grab || is_locked(module))
		return;
	wl_list_for_each(background, &module->backgrounds, link)
		if (background->view && background->view->surface == clicked)
			weston_view_activate_input(background->view, pointer->seat, WESTON_ACTIVATE_FLAG_CLICKED);
}

void
backgrounds_init(struct module *module)
{
	wl_list_init(&module->backgrounds);
	weston_layer_init(&module->background_layer, module->compositor);
	weston_layer_set_position(&module->background_layer, WESTON_LAYER_POSITION_BACKGROUND + 1);
	weston_compositor_add_button_binding(module->compositor, BTN_LEFT, 0, on_click, module);
}
