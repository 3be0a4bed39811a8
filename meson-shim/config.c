/* SPDX-License-Identifier: MIT */
/* The [guest-surface] sections of weston.ini. One that is wrong is told in the log and left out; Weston starts all the same. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libweston/config-parser.h>
#include "guest-surfaces.h"

/* of <weston/weston.h>, which not every distribution packages */
struct weston_config *wet_get_config(struct weston_compositor *compositor);

struct section {
	struct weston_config_section *section;
	int number; /* among those of its name, from 1 */
};

static bool
is_wrong(const struct section *section, const char *key, const char *value, const char *what)
{
	weston_log("guest-surfaces: [guest-surface] number %d is left out: key \"%s\"%s%s%s %s\n", section->number, key,
		   value ? " = \"" : "", value ? value : "", value ? "\"" : "", what);
	return false;
}

static char *
get_string(const struct section *section, const char *key)
{
	char *value;

	weston_config_section_get_string(section->section, key, &value, NULL);
	return value;
}

static bool
is_name(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char) text[i]) && !strchr("_.-", text[i]))
			return false;
	return length >= 1 && length <= 64 && text[0] != '-' && text[0] != '.';
}

static bool
is_taken(struct module *module, const struct guest *self)
{
	struct guest *guest;

	wl_list_for_each(guest, &module->guests, link)
		if (strcmp(guest->name, self->name) == 0)
			return true;
	return false;
}

static bool
read_placement(const struct section *section, struct guest *guest)
{
	char *text = get_string(section, "placement");
	bool is_known = true;

	if (text && strcmp(text, "fullscreen") == 0)
		guest->placement = PLACEMENT_FULLSCREEN;
	else if (text && strcmp(text, "window") != 0)
		is_known = is_wrong(section, "placement", text, "is neither window nor fullscreen");
	free(text);
	return is_known;
}

static bool
read_section(const struct section *section, struct guest *guest)
{
	guest->name = get_string(section, "name");
	guest->socket = get_string(section, "link");
	guest->command = get_string(section, "command");
	guest->output = get_string(section, "output");
	if (!guest->name)
		return is_wrong(section, "name", NULL, "is missing");
	if (!is_name(guest->name))
		return is_wrong(section, "name", guest->name, "isn't 1 to 64 letters, digits, \"_\", \".\" and \"-\" that begin with a letter, a digit or \"_\"");
	if (is_taken(guest->module, guest))
		return is_wrong(section, "name", guest->name, "is another section's already");
	if (!guest->socket == !guest->command)
		return is_wrong(section, "link", guest->socket, guest->socket ? "stands beside a command: one of them" : "is missing, and there is no command");
	if (guest->socket && guest->socket[0] != '/')
		return is_wrong(section, "link", guest->socket, "isn't an absolute path");
	if (!read_placement(section, guest))
		return false;
	if (weston_config_section_get_color(section->section, "label-color", &guest->color, 0xffff8800) < 0 && errno != ENOENT)
		return is_wrong(section, "label-color", NULL, "isn't a colour such as 0xff8800");
	/* A picture that fills a screen because weston.ini says so may be scanned out. Its frame would be drawn into it. */
	if (weston_config_section_get_bool(section->section, "frame", &guest->has_frame, guest->placement == PLACEMENT_WINDOW) < 0 && errno != ENOENT)
		return is_wrong(section, "frame", NULL, "is neither true nor false");
	return true;
}

void
guest_destroy(struct guest *guest)
{
	presenter_stop(guest);
	windows_destroy(guest); /* of surfaces that outlive their client: the shell lets them fade */
	wl_list_remove(&guest->link);
	free(guest->name);
	free(guest->socket);
	free(guest->command);
	free(guest->output);
	free(guest);
}

void
read_guests(struct module *module)
{
	struct weston_config *config = wet_get_config(module->compositor);
	struct section section = { 0 };
	const char *name;

	while (weston_config_next_section(config, &section.section, &name)) {
		struct guest *guest;

		if (strcmp(name, "guest-surface") != 0)
			continue;
		section.number++;
		if (wl_list_length(&module->guests) == GUESTS_MAX) {
			is_wrong(&section, "name", NULL, "is one too many: there are 16 guests already");
			continue;
		}
		guest = calloc(1, sizeof *guest);
		if (!guest)
			return;
		guest->module = module;
		wl_list_init(&guest->link);
		wl_list_init(&guest->windows);
		wl_list_init(&guest->hosts);
		if (!read_section(&section, guest) || !presenter_init(guest))
			guest_destroy(guest);
		else
			wl_list_insert(module->guests.prev, &guest->link);
	}
	weston_log("guest-surfaces: %d guests\n", wl_list_length(&module->guests));
}
