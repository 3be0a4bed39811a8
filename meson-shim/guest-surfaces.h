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

/* And of these: its heads, each on its way from one surface to another. */
#define BACKGROUNDS_MAX 32

#define CHANGES 5

/* As many as Weston numbers. */
#define OUTPUTS_MAX 32

/* Our own process: the host. It is whoever has the other end of its connection. */
struct host {
	struct wl_client *client; /* NULL: there is none */
	struct wl_listener client_gone;
	pid_t pid; /* 0: there has been none */
	struct wl_event_source *timer; /* starts it, and says later that it was a good one */
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
	struct weston_curtain *nowhere; /* takes the keyboard from a guest */
	bool is_told; /* for a moment after it has begun: then a guest has a frame that has none otherwise */
	struct wl_event_source *timer; /* ends that moment */
};

/* Something that has happened on the desktop. */
struct change {
	struct wl_listener listener;
	struct module *module;
};

struct module {
	struct weston_compositor *compositor;
	struct host host;
	struct grab grab;
	struct wl_list guests; /* guest::link */
	struct wl_list backgrounds; /* background::link */
	struct weston_layer background_layer; /* directly above the shell's own */
	struct wl_global *host_global, *presenter_global;
	struct wl_event_source *idle; /* what is ours is to follow what has happened; NULL: nothing has */
	struct change latches[OUTPUTS_MAX]; /* while that is waited for: of the outputs that may be repainted before */
	int latch_count;
	struct wl_listener destroyed, surface_created;
	struct change changes[CHANGES];
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
	bool may_lie; /* it is a background, or was */
	char *outputs;
	uint32_t frame; /* when it has one */
	uint32_t color; /* of the frame, 0xrrggbb */
	struct wl_list windows; /* window::link */
	int surfaces; /* how many that is */
	int backgrounds; /* how many it has */
};

/* module.c: before the next repaint. */
void follow_soon(struct module *module);

/* host.c */
bool host_init(struct module *module);
void host_fini(struct module *module);

/* protocol.c: who may see and do what. */
bool protocol_init(struct module *module);
void protocol_fini(struct module *module);
struct guest *guest_of(struct module *module, struct weston_surface *surface);

/* frame.c: a guest's surfaces, and the frames of those that the shell shows. */
void window_create(struct guest *guest, struct weston_surface *surface);
void window_set_output(struct guest *guest, struct weston_surface *surface, const char *output);
void windows_destroy(struct guest *guest);
void windows_follow(struct guest *guest);
void view_clip(struct weston_view *view, int width, int height);

/* background.c */
void backgrounds_init(struct module *module);
void background_create(struct guest *guest, struct wl_resource *presenter, uint32_t id, struct weston_surface *surface, const char *output);
void backgrounds_follow(struct module *module);
struct weston_output *output_named(struct module *module, const char *name);

/* grab.c */
void grab_set_chord(struct module *module, uint32_t modifiers, uint32_t key);
void grab_forget(struct guest *guest);
void grab_fini(struct module *module);
