/* SPDX-License-Identifier: MIT */
/* What Weston calls, and the signals of the compositor that concern us. */
#include <stdlib.h>
#include "guest-surfaces.h"

static void
forget_latches(struct module *module)
{
	while (module->latch_count > 0)
		wl_list_remove(&module->latches[--module->latch_count].listener.link);
}

static void
on_idle(void *data)
{
	struct module *module = data;
	struct guest *guest;

	forget_latches(module);
	wl_list_for_each(guest, &module->guests, link)
		windows_follow(guest);
	backgrounds_follow(module);
	module->idle = NULL; /* only now: what this has changed is nothing to follow */
}

static void
on_latched(struct wl_listener *listener, void *data)
{
	struct change *latch = wl_container_of(listener, latch, listener);

	wl_event_source_remove(latch->module->idle);
	on_idle(latch->module);
}

void
follow_soon(struct module *module)
{
	struct weston_output *output;

	if (module->idle || wl_list_empty(&module->guests))
		return;
	module->idle = wl_event_loop_add_idle(wl_display_get_event_loop(module->compositor->wl_display), on_idle, module);
	if (!module->idle)
		return;
	wl_list_for_each(output, &module->compositor->output_list, link) {
		struct wl_signal *signal = output_latch_signal(output);
		struct change *latch = &module->latches[module->latch_count];

		if (!signal || module->latch_count == OUTPUTS_MAX)
			break;
		latch->module = module;
		latch->listener.notify = on_latched;
		wl_signal_add(signal, &latch->listener);
		module->latch_count++;
	}
}

static void
on_changed(struct wl_listener *listener, void *data)
{
	struct change *change = wl_container_of(listener, change, listener);

	follow_soon(change->module);
}

static void
on_output_destroyed(struct wl_listener *listener, void *data)
{
	struct change *change = wl_container_of(listener, change, listener);

	forget_latches(change->module); /* one of them may be of this output */
	follow_soon(change->module);
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

	wl_list_remove(&module->destroyed.link);
	wl_list_remove(&module->surface_created.link);
	for (int i = 0; i < CHANGES; i++)
		wl_list_remove(&module->changes[i].listener.link);
	host_fini(module);
	grab_fini(module);
	forget_latches(module);
	if (module->idle)
		wl_event_source_remove(module->idle);
	protocol_fini(module);
	weston_layer_fini(&module->background_layer);
	free(module);
}

/*
 * A view is transformed when it is moved, sized, raised, or put into another layer. Most of what a client causes happens in a commit, which its
 * surfaces tell by themselves; that is all there is for a client that only draws.
 */
static void
listen(struct module *module)
{
	struct weston_compositor *compositor = module->compositor;
	const struct { struct wl_signal *signal; wl_notify_func_t notify; } changes[CHANGES] = {
		{ &compositor->transform_signal, on_changed }, { &compositor->output_created_signal, on_changed }, { &compositor->output_moved_signal, on_changed },
		{ &compositor->output_resized_signal, on_changed }, { &compositor->output_destroyed_signal, on_output_destroyed },
	};

	for (int i = 0; i < CHANGES; i++) {
		module->changes[i].module = module;
		module->changes[i].listener.notify = changes[i].notify;
		wl_signal_add(changes[i].signal, &module->changes[i].listener);
	}
	module->surface_created.notify = on_surface_created;
	wl_signal_add(&compositor->create_surface_signal, &module->surface_created);
}

/* Never fails for what weston.ini says: that would end Weston. */
WL_EXPORT int
wet_module_init(struct weston_compositor *compositor, int *argc, char *argv[])
{
	struct module *module;
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
	if (!protocol_init(module) || !host_init(module)) {
		protocol_fini(module);
		wl_list_remove(&module->destroyed.link);
		free(module);
		return -1;
	}
	backgrounds_init(module);
	listen(module);
	return 0;
}
