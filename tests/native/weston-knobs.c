// SPDX-License-Identifier: MIT
// A module for Weston 10 that stands for what a headless Weston lacks: a seat whose keys and pointer a test moves, screens that come and go, a user who closes windows, a shortcut of the desktop's, and another module
// that takes away the display's filter. Commands are lines that a test writes into the FIFO that WESTON_KNOBS names; answers go to Weston's log.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/input-event-codes.h>
#include <libweston/libweston.h>
#include <libweston/windowed-output-api.h>
#include <libweston-desktop/libweston-desktop.h>

// of libweston's own headers for back-ends, which no distribution packages
void weston_seat_init(struct weston_seat *seat, struct weston_compositor *compositor, const char *name);
int weston_seat_init_keyboard(struct weston_seat *seat, struct xkb_keymap *keymap);
int weston_seat_init_pointer(struct weston_seat *seat);
void notify_key(struct weston_seat *seat, const struct timespec *time, uint32_t key, enum wl_keyboard_key_state state, enum weston_key_state_update update);
void notify_button(struct weston_seat *seat, const struct timespec *time, int32_t button, enum wl_pointer_button_state state);
void notify_motion_absolute(struct weston_seat *seat, const struct timespec *time, double x, double y);
void notify_pointer_frame(struct weston_seat *seat);
void weston_head_set_connection_status(struct weston_head *head, bool is_connected);
void notify_keyboard_focus_in(struct weston_seat *seat, struct wl_array *keys, enum weston_key_state_update update);

struct knobs {
	struct weston_compositor *compositor;
	struct weston_seat seat;
	FILE *commands;
};

static void say_focus(struct knobs *knobs)
{
	struct weston_keyboard *keyboard = weston_seat_get_keyboard(&knobs->seat);

	weston_log("knobs: the keyboard is %s\n", keyboard->focus ? keyboard->focus->resource ? "a client's" : "the desktop's" : "nobody's");
}

// Whether Weston's own clients, its shell and its keyboard, have bound all screens: a client that binds one which has gone meanwhile is ended.
static bool is_settled(struct knobs *knobs)
{
	struct weston_head *head = NULL;
	int bound = -1;

	while ((head = weston_compositor_iterate_heads(knobs->compositor, head))) {
		int length = wl_list_length(&head->resource_list);

		if (length < 2 || (bound >= 0 && length != bound))
			return false;
		bound = length;
	}
	return true;
}

static void obey(struct knobs *knobs, const char *line)
{
	struct timespec now;
	char name[64];
	int a, b;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (sscanf(line, "key %d %d", &a, &b) == 2) {
		notify_key(&knobs->seat, &now, a, b ? WL_KEYBOARD_KEY_STATE_PRESSED : WL_KEYBOARD_KEY_STATE_RELEASED, STATE_UPDATE_AUTOMATIC);
	} else if (sscanf(line, "click %d %d", &a, &b) == 2) {
		if (!weston_seat_get_pointer(&knobs->seat)) // not before it is wanted: its cursor is on screenshots
			weston_seat_init_pointer(&knobs->seat);
		notify_motion_absolute(&knobs->seat, &now, a, b);
		notify_button(&knobs->seat, &now, BTN_LEFT, WL_POINTER_BUTTON_STATE_PRESSED);
		notify_button(&knobs->seat, &now, BTN_LEFT, WL_POINTER_BUTTON_STATE_RELEASED);
		notify_pointer_frame(&knobs->seat);
	} else if (sscanf(line, "plug %63s", name) == 1) {
		weston_windowed_output_get_api(knobs->compositor)->create_head(knobs->compositor, name);
	} else if (sscanf(line, "connect %63s %d", name, &a) == 2) {
		struct weston_head *head = NULL; // its output goes, and comes back with it

		while ((head = weston_compositor_iterate_heads(knobs->compositor, head)))
			if (!strcmp(weston_head_get_name(head), name))
				weston_head_set_connection_status(head, a);
	} else if (sscanf(line, "replug %63s", name) == 1) {
		struct weston_output *output, *next; // Weston makes it anew: the head is still there

		wl_list_for_each_safe(output, next, &knobs->compositor->output_list, link)
			if (!strcmp(output->name, name))
				weston_output_destroy(output);
	} else if (!strcmp(line, "close\n")) {
		struct weston_view *view; // as a close button does, or a shell's menu

		wl_list_for_each(view, &knobs->compositor->view_list, link)
			if (weston_surface_is_desktop_surface(view->surface))
				weston_desktop_surface_close(weston_surface_get_desktop_surface(view->surface));
	} else if (!strcmp(line, "unfilter\n")) {
		wl_display_set_global_filter(knobs->compositor->wl_display, NULL, NULL);
	} else if (!strcmp(line, "settled\n")) {
		weston_log("knobs: %s\n", is_settled(knobs) ? "settled" : "unsettled");
		return;
	} else if (!strcmp(line, "focus\n")) {
		say_focus(knobs);
		return;
	} else {
		weston_log("knobs: there is no %s", line);
		return;
	}
	weston_log("knobs: %s", line);
}

static int on_readable(int fd, uint32_t mask, void *data)
{
	struct knobs *knobs = data;
	char line[128];

	while (fgets(line, sizeof line, knobs->commands))
		obey(knobs, line);
	clearerr(knobs->commands);
	return 0;
}

static void on_shortcut(struct weston_keyboard *keyboard, const struct timespec *time, uint32_t key, void *data)
{
	weston_log("knobs: a shortcut of the desktop\n");
}

WL_EXPORT int wet_module_init(struct weston_compositor *compositor, int *argc, char *argv[])
{
	struct knobs *knobs = calloc(1, sizeof *knobs);
	int fd = open(getenv("WESTON_KNOBS"), O_RDWR | O_NONBLOCK | O_CLOEXEC); // both ways: it never ends

	if (!knobs || fd < 0 || !(knobs->commands = fdopen(fd, "r")))
		return -1;
	knobs->compositor = compositor;
	weston_seat_init(&knobs->seat, compositor, "knobs");
	if (weston_seat_init_keyboard(&knobs->seat, NULL) < 0)
		return -1;
	weston_compositor_add_key_binding(compositor, KEY_F5, MODIFIER_SUPER, on_shortcut, knobs);
	wl_event_loop_add_fd(wl_display_get_event_loop(compositor->wl_display), fd, WL_EVENT_READABLE, on_readable, knobs);
	return 0;
}
