// SPDX-License-Identifier: MIT
// A module for Weston 10 that offers Weston's screenshots where the shell doesn't: with ivi-shell.
#include <libweston/libweston.h>

// of Weston's own program, which desktop-shell and kiosk-shell call; in no header that is packaged
void screenshooter_create(struct weston_compositor *compositor);

WL_EXPORT int wet_module_init(struct weston_compositor *compositor, int *argc, char *argv[])
{
	screenshooter_create(compositor);
	return 0;
}
