/* SPDX-License-Identifier: MIT */
/*
 * Guests as windows of this Weston. One process of our own, the host, is started here; it reads weston.ini and brings a presenter for each guest, which is
 * let in with a private Wayland connection. What is trusted is decided here, and presenters are treated as hostile: nothing of a guest is parsed or
 * mapped in this process.
 *
 * All of it runs on the compositor's thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>
#include "compat.h"

/* More than any presenter needs: 16 scanouts, each with its picture, bars, cursor and veil. */
#define SURFACES_MAX 256

#define FRAME_WIDTH 4

/* Our own process: the host. It is whoever has the other end of its connection. */
struct host {
	struct wl_client *client; /* NULL: there is none */
	struct wl_listener client_gone;
	pid_t pid; /* 0: there has been none */
	struct wl_event_source *timer; /* starts it */
	uint64_t started_ms;
	int delay_ms; /* until the next one is started */
};

/* A guest that has keyboard and shortcuts for itself. */
struct grab {
	struct weston_keyboard_grab keyboard;
	struct wl_listener focus_changed;
	struct guest *guest; /* NULL: none has */
	bool is_new; /* the key that has begun it is still to come */
	struct weston_binding *chord;
	uint32_t modifiers, key; /* of the chord */
	struct solid nowhere; /* takes the keyboard from a guest */
	struct wl_event_source *timer; /* the frame of a guest that has none otherwise is shown for a moment */
};

struct module {
	struct weston_compositor *compositor;
	struct host host;
	struct grab grab;
	struct wl_list guests; /* guest::link */
	struct wl_list outputs; /* output::link */
	struct wl_global *host_global, *presenter_global;
	struct wl_event_source *idle; /* frames are to follow what has been committed */
	int frames; /* how many there are; outputs are listened to only while there is one */
	struct wl_listener destroyed, surface_created, output_created;
};

/* A presenter that was let in. */
struct guest {
	struct module *module;
	struct wl_list link;
	struct wl_resource *resource; /* the host's */
	struct wl_client *client; /* NULL: it is gone */
	struct wl_listener client_gone;
	struct wl_list presenters; /* wl_resource links: what it has bound */
	uint32_t placement;
	char *outputs;
	int frame_width; /* 0: no frame */
	bool is_framed; /* also when nothing is grabbed */
	uint32_t color; /* of the frame, 0xrrggbb */
	struct wl_list windows; /* window::link */
	int surfaces; /* how many that is */
};

/* host.c */
bool host_init(struct module *module);
void host_fini(struct module *module);

/* protocol.c: who may see and do what. */
bool protocol_init(struct module *module);
void protocol_fini(struct module *module);
struct guest *guest_of(struct module *module, struct weston_surface *surface);

/* frame.c: a guest's surfaces, and the frames of those that the shell shows. */
void window_create(struct guest *guest, struct weston_surface *surface);
void windows_destroy(struct guest *guest);
void frames_follow(struct module *module);
void frames_follow_soon(struct module *module);

/* grab.c */
void grab_set_chord(struct module *module, uint32_t modifiers, uint32_t key);
void grab_forget(struct guest *guest);
void grab_fini(struct module *module);

/* module.c: the number of frames has become or ceased to be 0. */
void watch_outputs(struct module *module);
