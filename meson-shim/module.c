/* SPDX-License-Identifier: MIT */
/* What Weston calls, and the signals of the compositor that concern us. */
#include <stdlib.h>
#include "guest-surfaces.h"

struct output {
	struct wl_list link;
	struct module *module;
	struct weston_output *output;
	struct wl_listener repainted, destroyed;
};

static void
on_repainted(struct wl_listener *listener, void *data)
{
	struct output *output = wl_container_of(listener, output, repainted);

	frames_follow(output->module);
}

/* A module that shows nothing has no part in repaints. */
void
watch_outputs(struct module *module)
{
	struct output *output;

	wl_list_for_each(output, &module->outputs, link) {
		wl_list_remove(&output->repainted.link);
		wl_list_init(&output->repainted.link);
		if (module->frames > 0)
			wl_signal_add(&output->output->frame_signal, &output->repainted);
	}
}

static void
output_forget(struct output *output)
{
	wl_list_remove(&output->repainted.link);
	wl_list_remove(&output->destroyed.link);
	wl_list_remove(&output->link);
	free(output);
}

static void
on_output_destroyed(struct wl_listener *listener, void *data)
{
	struct output *output = wl_container_of(listener, output, destroyed);

	output_forget(output);
}

static void
output_remember(struct module *module, struct weston_output *weston_output)
{
	struct output *output = calloc(1, sizeof *output);

	if (!output)
		return;
	output->module = module;
	output->output = weston_output;
	output->repainted.notify = on_repainted;
	wl_list_init(&output->repainted.link);
	output->destroyed.notify = on_output_destroyed;
	wl_signal_add(&weston_output->destroy_signal, &output->destroyed);
	wl_list_insert(&module->outputs, &output->link);
}

static void
on_output_created(struct wl_listener *listener, void *data)
{
	struct module *module = wl_container_of(listener, module, output_created);

	output_remember(module, data);
	watch_outputs(module);
}

static void
on_surface_created(struct wl_listener *listener, void *data)
{
	struct module *module = wl_container_of(listener, module, surface_created);
	struct guest *guest = guest_of(module, data);

	if (guest)
		window_create(guest, data);
}

static void
on_compositor_destroyed(struct wl_listener *listener, void *data)
{
	struct module *module = wl_container_of(listener, module, destroyed);
	struct output *output, *next;

	wl_list_remove(&module->destroyed.link);
	wl_list_remove(&module->surface_created.link);
	wl_list_remove(&module->output_created.link);
	host_fini(module);
	grab_fini(module);
	if (module->idle)
		wl_event_source_remove(module->idle);
	wl_list_for_each_safe(output, next, &module->outputs, link)
		output_forget(output);
	protocol_fini(module);
	free(module);
}

static void
listen(struct wl_signal *signal, struct wl_listener *listener, wl_notify_func_t notify)
{
	listener->notify = notify;
	wl_signal_add(signal, listener);
}

/* Never fails for what weston.ini says: that would end Weston. */
WL_EXPORT int
wet_module_init(struct weston_compositor *compositor, int *argc, char *argv[])
{
	struct module *module;
	struct weston_output *output;
	int major, minor, micro;

	weston_version(&major, &minor, &micro);
	if (major != WESTON_VERSION_MAJOR) {
		weston_log("guest-surfaces: this module is for Weston %d, and this is %d.%d.%d\n", WESTON_VERSION_MAJOR, major, minor, micro);
		return -1;
	}
	module = calloc(1, sizeof *module);
	if (!module)
		return -1;
	if (!weston_compositor_add_destroy_listener_once(compositor, &module->destroyed, on_compositor_destroyed)) {
		free(module); /* loaded twice */
		return 0;
	}
	/* Before the shell, which ends by destroying whatever is in its layers: the frames, too. */
	wl_list_remove(&module->destroyed.link);
	wl_list_insert(&compositor->destroy_signal.listener_list, &module->destroyed.link);
	module->compositor = compositor;
	wl_list_init(&module->guests);
	wl_list_init(&module->outputs);
	if (!protocol_init(module) || !host_init(module)) {
		protocol_fini(module);
		wl_list_remove(&module->destroyed.link);
		free(module);
		return -1;
	}
	listen(&compositor->create_surface_signal, &module->surface_created, on_surface_created);
	listen(&compositor->output_created_signal, &module->output_created, on_output_created);
	wl_list_for_each(output, &compositor->output_list, link)
		output_remember(module, output);
	return 0;
}
