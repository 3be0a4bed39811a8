/* SPDX-License-Identifier: MIT */
/*
 * The chord: pressed in a guest's window, it gives the guest all keys, the desktop's shortcuts too; pressed again, it takes the keyboard from the guest altogether, whatever its
 * presenter does or doesn't do. Only the user has it: a presenter can't ask. While it is held the guest's frame is twice as wide, and one without a frame has it for a moment.
 */
#include <wayland-server-protocol.h>
#include "guest-surfaces.h"

#define TOLD_MS 3000

static void
send_key(struct weston_keyboard *keyboard, const struct timespec *time, uint32_t key, uint32_t state)
{
	uint32_t serial = wl_display_next_serial(keyboard->seat->compositor->wl_display);
	struct wl_resource *resource;

	wl_resource_for_each(resource, &keyboard->focus_resource_list)
		wl_keyboard_send_key(resource, serial, time->tv_sec * 1000 + time->tv_nsec / 1000000, key, state);
}

static void
grab_end(struct grab *grab)
{
	struct guest *guest = grab->guest;

	if (!guest)
		return;
	grab->guest = NULL;
	wl_list_remove(&grab->focus_changed.link);
	weston_keyboard_end_grab(grab->keyboard.keyboard);
	wl_event_source_timer_update(grab->timer, 0);
	follow_soon(guest->module);
}

/* Without focus there is no key for the guest, and no pointer that it has locked. */
static void
take_keyboard(struct grab *grab)
{
	struct weston_seat *seat = grab->keyboard.keyboard->seat;

	weston_log("guest-surfaces: keyboard and shortcuts are the desktop's again\n");
	grab_end(grab);
	weston_view_activate_input(grab->nowhere->view, seat, WESTON_ACTIVATE_FLAG_NONE);
}

static void
on_key(struct weston_keyboard_grab *keyboard_grab, GRAB_EVENT)
{
	struct grab *grab = wl_container_of(keyboard_grab, grab, keyboard);
	struct weston_keyboard *keyboard = keyboard_grab->keyboard;

	if (GRAB_KEY == grab->key && GRAB_KEY_STATE == WL_KEYBOARD_KEY_STATE_PRESSED && (keyboard->seat->modifier_state & grab->modifiers) == grab->modifiers && !grab->is_new)
		take_keyboard(grab);
	else
		send_key(keyboard, GRAB_TIME, GRAB_KEY, GRAB_KEY_STATE);
	grab->is_new = false;
}

static void
on_modifiers(struct weston_keyboard_grab *grab, uint32_t serial, uint32_t depressed, uint32_t latched, uint32_t locked, uint32_t group)
{
	weston_keyboard_send_modifiers(grab->keyboard, serial, depressed, latched, locked, group);
}

static void
on_cancel(struct weston_keyboard_grab *keyboard_grab)
{
	struct grab *grab = wl_container_of(keyboard_grab, grab, keyboard);

	grab_end(grab);
}

static const struct weston_keyboard_grab_interface grab_interface = { on_key, on_modifiers, on_cancel };

static void
on_focus_changed(struct wl_listener *listener, void *data)
{
	struct grab *grab = wl_container_of(listener, grab, focus_changed);

	if (guest_of(grab->guest->module, grab->keyboard.keyboard->focus) != grab->guest)
		grab_end(grab);
}

static int
on_told(void *data)
{
	struct module *module = data;

	module->grab.is_told = false;
	follow_soon(module);
	return 0;
}

static void
on_chord(struct weston_keyboard *keyboard, const struct timespec *time, uint32_t key, void *data)
{
	struct module *module = data;
	struct grab *grab = &module->grab;
	struct guest *guest = guest_of(module, keyboard->focus);

	if (!guest || grab->guest)
		return;
	weston_log("guest-surfaces: keyboard and shortcuts are the guest's; the chord takes them back\n");
	grab->guest = guest;
	grab->is_new = true; /* next Weston gives us this very key: the presenter may want the pointer, too */
	wl_signal_add(&keyboard->focus_signal, &grab->focus_changed);
	weston_keyboard_start_grab(keyboard, &grab->keyboard);
	grab->is_told = true;
	wl_event_source_timer_update(grab->timer, TOLD_MS);
	follow_soon(module);
}

void
grab_set_chord(struct module *module, uint32_t modifiers, uint32_t key)
{
	struct grab *grab = &module->grab;

	if (!grab->timer) {
		grab->keyboard.interface = &grab_interface;
		grab->focus_changed.notify = on_focus_changed;
		grab->timer = wl_event_loop_add_timer(wl_display_get_event_loop(module->compositor->wl_display), on_told, module);
		grab->nowhere = curtain_create(module->compositor, 0, 1, 1);
	}
	if (!grab->timer || !grab->nowhere)
		return;
	grab_end(grab);
	if (grab->chord)
		weston_binding_destroy(grab->chord);
	grab->modifiers = modifiers;
	grab->key = key;
	grab->chord = weston_compositor_add_key_binding(module->compositor, key, modifiers, on_chord, module);
}

void
grab_forget(struct guest *guest)
{
	if (guest->module->grab.guest == guest)
		grab_end(&guest->module->grab);
}

void
grab_fini(struct module *module)
{
	struct grab *grab = &module->grab;

	grab_end(grab);
	if (grab->timer)
		wl_event_source_remove(grab->timer);
	if (grab->nowhere)
		curtain_destroy(grab->nowhere);
}
