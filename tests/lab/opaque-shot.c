// SPDX-License-Identifier: MIT
//
// Preloaded into weston-screenshooter: makes every pixel of the screenshot opaque before it becomes a PNG.
//
// Weston's pixman renderer copies the X byte of an XRGB8888 picture to its output as it is, and the screenshooter takes
// it for alpha. Where a guest leaves zeros there, as Linux does, the PNG would be transparent black.

#define _GNU_SOURCE
#include <dlfcn.h>

typedef void *create(unsigned char *data, int format, int width, int height, int stride);

void *cairo_image_surface_create_for_data(unsigned char *data, int format, int width, int height, int stride)
{
    create *next = (create *)dlsym(RTLD_NEXT, "cairo_image_surface_create_for_data");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            data[(long)y * stride + 4 * x + 3] = 0xff;
    return next(data, format, width, height, stride);
}
