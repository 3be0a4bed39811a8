/* SPDX-License-Identifier: MIT */
/* Our private protocol: what a presenter can't learn from Wayland. Its global exists for presenters alone. */
#include <string.h>
#include "guest-surfaces.h"
#include "guest-surfaces-weston-v1-server-protocol.h"

static void
host_destroy(struct wl_client *client, struct wl_resource *resource)
{
	wl_resource_destroy(resource);
}

static const struct guest_surfaces_weston_v1_interface requests = { .destroy = host_destroy };

static void
on_host_destroyed(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
}

/* The output that weston.ini names for a guest. NULL: it names none, or that isn't there. */
static struct weston_output *
output_of(struct guest *guest)
{
	struct weston_output *output;

	if (guest->output)
		wl_list_for_each(output, &guest->module->compositor->output_list, link)
			if (strcmp(output->name, guest->output) == 0)
				return output;
	return NULL;
}

static void
tell_output(struct guest *guest, struct wl_resource *host)
{
	struct weston_output *output = output_of(guest);

	if (output) {
		struct weston_head *head = weston_output_get_first_head(output);
		const pixman_box32_t *at = pixman_region32_extents(&output->region);

		guest_surfaces_weston_v1_send_output(host, output->name, at->x1, at->y1, output->current_mode->width, output->current_mode->height,
						     output->current_mode->refresh, head ? head->mm_width : 0, head ? head->mm_height : 0);
	} else {
		guest_surfaces_weston_v1_send_any_output(host);
	}
	guest_surfaces_weston_v1_send_done(host);
}

static void
on_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct guest *guest = guest_of(data, client);
	struct wl_resource *host;

	if (!guest) {
		/* (only if somebody has put another filter in place of ours) */
		wl_client_post_implementation_error(client, "guest_surfaces_weston_v1 is for presenters that Weston itself started");
		return;
	}
	host = wl_resource_create(client, &guest_surfaces_weston_v1_interface, version, id);
	if (!host) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(host, &requests, guest, on_host_destroyed);
	wl_list_insert(&guest->hosts, wl_resource_get_link(host));
	guest_surfaces_weston_v1_send_guest(host, guest->name);
	guest_surfaces_weston_v1_send_placement(host, guest->placement == PLACEMENT_FULLSCREEN
		? GUEST_SURFACES_WESTON_V1_PLACEMENT_KIND_FULLSCREEN : GUEST_SURFACES_WESTON_V1_PLACEMENT_KIND_WINDOW);
	tell_output(guest, host);
}

/* There is one filter for a whole display, and Weston has none of its own. */
static bool
is_visible(const struct wl_client *client, const struct wl_global *global, void *data)
{
	struct module *module = data;

	return global != module->global || guest_of(module, client);
}

bool
protocol_init(struct module *module)
{
	struct wl_display *display = module->compositor->wl_display;

	wl_display_set_global_filter(display, is_visible, module);
	module->global = wl_global_create(display, &guest_surfaces_weston_v1_interface, 1, module, on_bind);
	return module->global;
}

void
protocol_fini(struct module *module)
{
	wl_global_destroy(module->global);
	wl_display_set_global_filter(module->compositor->wl_display, NULL, NULL);
}

void
protocol_tell_outputs(struct module *module)
{
	struct guest *guest;
	struct wl_resource *host;

	wl_list_for_each(guest, &module->guests, link)
		if (guest->output)
			wl_resource_for_each(host, &guest->hosts)
				tell_output(guest, host);
}
