// SPDX-License-Identifier: MIT
// A libwayland server for one client, on the socket given as the first argument. It answers just enough to check the client's wire:
// frame callbacks carry the first pixel of the attached buffer, a keyboard sends a keymap file and an array, an output sends strings.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server.h>
#include "linux-dmabuf-v1-server.h"

static struct wl_display *display;
static struct wl_resource *attached, *frame;

static void destroy(struct wl_client *client, struct wl_resource *resource) { wl_resource_destroy(resource); }
static void ignore_rect(struct wl_client *c, struct wl_resource *r, int32_t x, int32_t y, int32_t w, int32_t h) {}
static void ignore_region(struct wl_client *c, struct wl_resource *r, struct wl_resource *region) {}
static void ignore_int(struct wl_client *c, struct wl_resource *r, int32_t value) {}

static void surface_attach(struct wl_client *c, struct wl_resource *r, struct wl_resource *buffer, int32_t x, int32_t y) { attached = buffer; }

static void surface_frame(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	frame = wl_resource_create(client, &wl_callback_interface, 1, id);
}

static void surface_commit(struct wl_client *client, struct wl_resource *r)
{
	uint32_t pixel = 0;
	struct wl_shm_buffer *shm = attached ? wl_shm_buffer_get(attached) : NULL;
	if (shm)
		pixel = *(uint32_t *)wl_shm_buffer_get_data(shm);
	if (attached)
		wl_buffer_send_release(attached);
	attached = NULL;
	if (frame) {
		wl_callback_send_done(frame, pixel);
		wl_resource_destroy(frame);
	}
	frame = NULL;
}

static void surface_scale(struct wl_client *client, struct wl_resource *r, int32_t scale)
{
	if (scale < 1)
		wl_resource_post_error(r, WL_SURFACE_ERROR_INVALID_SCALE, "scale %d", scale);
}

static const struct wl_surface_interface surface_impl = {
	.destroy = destroy, .attach = surface_attach, .damage = ignore_rect, .frame = surface_frame, .set_opaque_region = ignore_region,
	.set_input_region = ignore_region, .commit = surface_commit, .set_buffer_transform = ignore_int, .set_buffer_scale = surface_scale,
	.damage_buffer = ignore_rect,
};

static const struct wl_region_interface region_impl = { .destroy = destroy, .add = ignore_rect, .subtract = ignore_rect };

static void create_surface(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct wl_resource *surface = wl_resource_create(client, &wl_surface_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(surface, &surface_impl, NULL, NULL);
}

static void create_region(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	wl_resource_set_implementation(wl_resource_create(client, &wl_region_interface, 1, id), &region_impl, NULL, NULL);
}

static const struct wl_compositor_interface compositor_impl = { .create_surface = create_surface, .create_region = create_region };

static const struct wl_keyboard_interface keyboard_impl = { .release = destroy };

static void get_keyboard(struct wl_client *client, struct wl_resource *seat, uint32_t id)
{
	struct wl_resource *keyboard = wl_resource_create(client, &wl_keyboard_interface, wl_resource_get_version(seat), id);
	wl_resource_set_implementation(keyboard, &keyboard_impl, NULL, NULL);
	int fd = memfd_create("keymap", MFD_CLOEXEC);
	if (fd < 0 || write(fd, "xkb", 4) != 4)
		exit(2);
	wl_keyboard_send_keymap(keyboard, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd, 4);
	close(fd);
	wl_keyboard_send_repeat_info(keyboard, -7, 1 << 30);
}

static void no_device(struct wl_client *client, struct wl_resource *seat, uint32_t id)
{
	wl_resource_post_error(seat, WL_SEAT_ERROR_MISSING_CAPABILITY, "no such device");
}

static const struct wl_seat_interface seat_impl = { .get_pointer = no_device, .get_keyboard = get_keyboard, .get_touch = no_device, .release = destroy };
static const struct wl_output_interface output_impl = { .release = destroy };
static const struct wl_buffer_interface buffer_impl = { .destroy = destroy };

// Plane files are told apart by what they hold; the sum over them goes back as the id of a failure, or a buffer is made by the server.
static void params_add(struct wl_client *c, struct wl_resource *r, int32_t fd, uint32_t plane, uint32_t offset, uint32_t stride, uint32_t hi, uint32_t lo)
{
	unsigned char byte = 0;
	if (pread(fd, &byte, 1, 0) != 1 || byte != (unsigned char)(plane + stride))
		wl_resource_post_error(r, ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_PLANE_IDX, "plane %u holds %u", plane, byte);
	close(fd);
}

static void params_create(struct wl_client *client, struct wl_resource *r, int32_t w, int32_t h, uint32_t format, uint32_t flags)
{
	if (w == 0) {
		zwp_linux_buffer_params_v1_send_failed(r);
		return;
	}
	struct wl_resource *buffer = wl_resource_create(client, &wl_buffer_interface, 1, 0);
	wl_resource_set_implementation(buffer, &buffer_impl, NULL, NULL);
	zwp_linux_buffer_params_v1_send_created(r, buffer);
}

static void params_create_immed(struct wl_client *c, struct wl_resource *r, uint32_t id, int32_t w, int32_t h, uint32_t format, uint32_t flags)
{
	wl_resource_post_error(r, ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER, "no");
}

static const struct zwp_linux_buffer_params_v1_interface params_impl = {
	.destroy = destroy, .add = params_add, .create = params_create, .create_immed = params_create_immed,
};

static void create_params(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	wl_resource_set_implementation(wl_resource_create(client, &zwp_linux_buffer_params_v1_interface, wl_resource_get_version(r), id), &params_impl, NULL, NULL);
}

static void send_feedback(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct wl_resource *feedback = wl_resource_create(client, &zwp_linux_dmabuf_feedback_v1_interface, wl_resource_get_version(r), id);
	struct { uint32_t format, pad; uint64_t modifier; } table[2] = { { 0x34325258, 0, 0 }, { 0x34325241, 0, 0x00ffffffffffffff } };
	int fd = memfd_create("table", MFD_CLOEXEC);
	if (fd < 0 || write(fd, table, sizeof table) != sizeof table)
		exit(2);
	zwp_linux_dmabuf_feedback_v1_send_format_table(feedback, fd, sizeof table);
	close(fd);
	dev_t device = 0xe280;
	struct wl_array array = { sizeof device, 0, &device };
	zwp_linux_dmabuf_feedback_v1_send_main_device(feedback, &array);
	uint16_t index[2] = { 0, 1 };
	struct wl_array indices = { sizeof index, 0, index };
	zwp_linux_dmabuf_feedback_v1_send_tranche_formats(feedback, &indices);
	zwp_linux_dmabuf_feedback_v1_send_done(feedback);
	wl_resource_set_implementation(feedback, &output_impl, NULL, NULL);
}

static void surface_feedback(struct wl_client *client, struct wl_resource *r, uint32_t id, struct wl_resource *surface) { send_feedback(client, r, id); }

static const struct zwp_linux_dmabuf_v1_interface dmabuf_impl = {
	.destroy = destroy, .create_params = create_params, .get_default_feedback = send_feedback, .get_surface_feedback = surface_feedback,
};

static void bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	const struct wl_interface *type = data;
	struct wl_resource *resource = wl_resource_create(client, type, version, id);
	if (type == &wl_compositor_interface)
		wl_resource_set_implementation(resource, &compositor_impl, NULL, NULL);
	else if (type == &zwp_linux_dmabuf_v1_interface)
		wl_resource_set_implementation(resource, &dmabuf_impl, NULL, NULL);
	else if (type == &wl_seat_interface) {
		wl_resource_set_implementation(resource, &seat_impl, NULL, NULL);
		wl_seat_send_capabilities(resource, WL_SEAT_CAPABILITY_KEYBOARD);
		wl_seat_send_name(resource, "");
	} else {
		wl_resource_set_implementation(resource, &output_impl, NULL, NULL);
		wl_output_send_geometry(resource, -1, 2, 300, 200, WL_OUTPUT_SUBPIXEL_NONE, "Größe", "abc", WL_OUTPUT_TRANSFORM_270);
		wl_output_send_mode(resource, WL_OUTPUT_MODE_CURRENT, 1920, 1080, 59940);
		wl_output_send_done(resource);
	}
}

static void gone(struct wl_listener *listener, void *data) { wl_display_terminate(display); }

static void connected(struct wl_listener *listener, void *client)
{
	static struct wl_listener destroyed = { .notify = gone };
	wl_client_add_destroy_listener(client, &destroyed);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	display = wl_display_create();
	wl_display_init_shm(display);
	wl_global_create(display, &wl_compositor_interface, 4, (void *)&wl_compositor_interface, bind);
	wl_global_create(display, &wl_seat_interface, 7, (void *)&wl_seat_interface, bind);
	wl_global_create(display, &wl_output_interface, 3, (void *)&wl_output_interface, bind);
	wl_global_create(display, &zwp_linux_dmabuf_v1_interface, 4, (void *)&zwp_linux_dmabuf_v1_interface, bind);
	struct wl_listener created = { .notify = connected };
	wl_display_add_client_created_listener(display, &created);
	// An absolute path isn't a name for wl_display_add_socket: split it.
	char *slash = strrchr(argv[1], '/');
	*slash = 0;
	setenv("XDG_RUNTIME_DIR", argv[1], 1);
	if (wl_display_add_socket(display, slash + 1))
		return 3;
	puts("ready");
	fflush(stdout);
	wl_display_run(display);
	wl_display_destroy(display);
	return 0;
}
