/* SPDX-License-Identifier: MIT */
/*
 * Guests as windows of this Weston. Each has a presenter: a process of its own with a private Wayland connection. What is trusted is
 * decided here, and a presenter is treated as hostile: nothing of a guest is parsed or mapped in this process.
 *
 * All of it runs on the compositor's thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>
#include "compat.h"

#define GUESTS_MAX 16

/* More than any presenter needs: 16 scanouts, each with its picture, bars, cursor and veil. */
#define SURFACES_MAX 256

struct module {
	struct weston_compositor *compositor;
	struct wl_list guests; /* guest::link */
	struct wl_list outputs; /* output::link */
	struct wl_global *global;
	struct wl_event_source *idle; /* frames are to follow what has been committed */
	int frames; /* how many there are; outputs are listened to only while there is one */
	struct wl_listener destroyed, surface_created, output_created, output_resized, output_moved;
};

enum placement { PLACEMENT_WINDOW, PLACEMENT_FULLSCREEN };

/* A section of weston.ini, and what became of it. */
struct guest {
	struct module *module;
	struct wl_list link;

	char *name;
	char *socket; /* of its device's link; or */
	char *command; /* what shows it */
	char *output; /* NULL: any */
	enum placement placement;
	bool has_frame;
	uint32_t color; /* of the frame, 0xrrggbb */

	/* its presenter */
	struct wl_client *client; /* NULL: it hasn't got one, or lost it */
	struct wl_listener client_gone;
	pid_t pid; /* of its process; 0: there has been none */
	struct wl_event_source *timer; /* starts it */
	uint64_t started_ms;
	int delay_ms; /* until the next one is started */

	struct wl_list windows; /* window::link */
	int surfaces; /* how many that is */
	struct wl_list hosts; /* wl_resource links: those it has bound */
};

/* config.c: the guests of weston.ini, each checked; what is wrong is told in the log. */
void read_guests(struct module *module);
void guest_destroy(struct guest *guest);

/* presenter.c */
bool presenter_init(struct guest *guest);
void presenter_stop(struct guest *guest);
struct guest *guest_of(struct module *module, const struct wl_client *client);

/* frame.c: a guest's surfaces, and the frames of those that the shell shows. */
void window_create(struct guest *guest, struct weston_surface *surface);
void windows_destroy(struct guest *guest);
void frames_follow(struct module *module);

/* module.c: the number of frames has become or ceased to be 0. */
void watch_outputs(struct module *module);

/* protocol.c */
bool protocol_init(struct module *module);
void protocol_fini(struct module *module);
void protocol_tell_outputs(struct module *module);
