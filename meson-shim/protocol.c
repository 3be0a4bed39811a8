/* SPDX-License-Identifier: MIT */
/* Our private protocol: the host lets presenters in, and they hear where they belong. Each sees its own global, and nobody else sees any. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest-surfaces.h"
#include "guest-surfaces-weston-v1-server-protocol.h"

static void
on_destroy(struct wl_client *client, struct wl_resource *resource)
{
	wl_resource_destroy(resource);
}

static struct guest *
guest_of_client(struct module *module, const struct wl_client *client)
{
	struct guest *guest;

	wl_list_for_each(guest, &module->guests, link)
		if (guest->client && guest->client == client)
			return guest;
	return NULL;
}

struct guest *
guest_of(struct module *module, struct weston_surface *surface)
{
	return surface && surface->resource ? guest_of_client(module, wl_resource_get_client(surface->resource)) : NULL;
}

/* Presenters */

static void
on_get_background(struct wl_client *client, struct wl_resource *resource, uint32_t id, struct wl_resource *surface, const char *output)
{
	struct guest *guest = wl_resource_get_user_data(resource);

	if (guest->may_lie)
		background_create(guest, resource, id, wl_resource_get_user_data(surface), output);
	else
		wl_resource_post_error(resource, GUEST_SURFACES_PRESENTER_V1_ERROR_PLACEMENT, "this guest is no background");
}

static void
on_set_output(struct wl_client *client, struct wl_resource *resource, struct wl_resource *surface, const char *output)
{
	window_set_output(wl_resource_get_user_data(resource), wl_resource_get_user_data(surface), output);
}

static const struct guest_surfaces_presenter_v1_interface presenter_requests = {
	.destroy = on_destroy, .get_background = on_get_background, .set_output = on_set_output,
};

static void
on_presenter_destroyed(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
}

static void
on_bind_presenter(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct guest *guest = guest_of_client(data, client);
	struct wl_resource *resource;

	if (!guest) {
		/* (only if somebody has put another filter in place of ours) */
		wl_client_post_implementation_error(client, "guest_surfaces_presenter_v1 is for presenters of Weston's own guests");
		return;
	}
	resource = wl_resource_create(client, &guest_surfaces_presenter_v1_interface, version, id);
	if (!resource) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &presenter_requests, guest, on_presenter_destroyed);
	wl_list_insert(&guest->presenters, wl_resource_get_link(resource));
	guest_surfaces_presenter_v1_send_placement(resource, guest->placement, guest->outputs ? guest->outputs : "");
}

/* Guests, as the host has them */

static void
on_client_gone(struct wl_listener *listener, void *data)
{
	struct guest *guest = wl_container_of(listener, guest, client_gone);

	grab_forget(guest);
	guest->client = NULL;
	guest_surfaces_guest_v1_send_gone(guest->resource);
}

static void
on_guest_destroyed(struct wl_resource *resource)
{
	struct guest *guest = wl_resource_get_user_data(resource);

	grab_forget(guest);
	if (guest->client) {
		wl_list_remove(&guest->client_gone.link);
		wl_client_destroy(guest->client);
	}
	windows_destroy(guest); /* of surfaces that outlive their client: the shell lets them fade */
	wl_list_remove(&guest->link);
	free(guest->outputs);
	free(guest);
}

static void
on_place(struct wl_client *client, struct wl_resource *resource, uint32_t kind, const char *outputs)
{
	struct guest *guest = wl_resource_get_user_data(resource);
	struct wl_resource *presenter;

	free(guest->outputs);
	guest->outputs = strdup(outputs);
	guest->placement = kind;
	guest->may_lie |= kind == GUEST_SURFACES_PRESENTER_V1_PLACEMENT_KIND_BACKGROUND; /* for ever: its presenter may hear of a change too late */
	follow_soon(guest->module);
	wl_resource_for_each(presenter, &guest->presenters)
		guest_surfaces_presenter_v1_send_placement(presenter, kind, outputs);
}

static const struct guest_surfaces_guest_v1_interface guest_requests = { .destroy = on_destroy, .place = on_place };

/* The host */

static void
on_log(struct wl_client *client, struct wl_resource *resource, const char *text)
{
	weston_log("guest-surfaces: %s\n", text);
}

static void
on_set_chord(struct wl_client *client, struct wl_resource *resource, uint32_t modifiers, uint32_t key)
{
	grab_set_chord(wl_resource_get_user_data(resource), modifiers, key);
}

static void
on_create_guest(struct wl_client *client, struct wl_resource *resource, uint32_t id, int32_t connection, uint32_t color, uint32_t frame)
{
	struct module *module = wl_resource_get_user_data(resource);
	struct guest *guest = calloc(1, sizeof *guest);

	if (guest) {
		guest->resource = wl_resource_create(client, &guest_surfaces_guest_v1_interface, 1, id);
		guest->client = guest->resource ? wl_client_create(module->compositor->wl_display, connection) : NULL;
	}
	if (!guest || !guest->client) {
		close(connection);
		free(guest);
		wl_client_post_no_memory(client);
		return;
	}
	client_take_any_length(guest->client);
	guest->module = module;
	guest->color = color;
	guest->frame = frame;
	wl_list_init(&guest->presenters);
	wl_list_init(&guest->windows);
	wl_list_insert(&module->guests, &guest->link);
	wl_resource_set_implementation(guest->resource, &guest_requests, guest, on_guest_destroyed);
	guest->client_gone.notify = on_client_gone;
	wl_client_add_destroy_listener(guest->client, &guest->client_gone);
}

static const struct guest_surfaces_host_v1_interface host_requests = {
	.destroy = on_destroy, .log = on_log, .set_chord = on_set_chord, .create_guest = on_create_guest,
};

static void
on_bind_host(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct module *module = data;
	struct wl_resource *resource = client == module->host.client ? wl_resource_create(client, &guest_surfaces_host_v1_interface, version, id) : NULL;

	if (resource)
		wl_resource_set_implementation(resource, &host_requests, module, NULL);
	else
		wl_client_post_implementation_error(client, "guest_surfaces_host_v1 is for the process that Weston itself has started");
}

/* There is one filter for a whole display, and Weston has none of its own. */
static bool
is_visible(const struct wl_client *client, const struct wl_global *global, void *data)
{
	struct module *module = data;

	if (global == module->host_global)
		return client == module->host.client;
	return global != module->presenter_global || guest_of_client(module, client);
}

bool
protocol_init(struct module *module)
{
	struct wl_display *display = module->compositor->wl_display;

	wl_display_set_global_filter(display, is_visible, module);
	module->host_global = wl_global_create(display, &guest_surfaces_host_v1_interface, 1, module, on_bind_host);
	module->presenter_global = wl_global_create(display, &guest_surfaces_presenter_v1_interface, 1, module, on_bind_presenter);
	return module->host_global && module->presenter_global;
}

void
protocol_fini(struct module *module)
{
	if (module->host_global)
		wl_global_destroy(module->host_global);
	if (module->presenter_global)
		wl_global_destroy(module->presenter_global);
	wl_display_set_global_filter(module->compositor->wl_display, NULL, NULL);
}
