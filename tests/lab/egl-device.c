// SPDX-License-Identifier: MIT
//
// Preloaded into weston: gives EGL's software device the name of a DRM device, EGL_DEVICE_NODE in the environment.
//
// Weston sends dma-buf feedback (zwp_linux_dmabuf_v1 from version 4) only if its renderer can say which DRM device it
// runs on. Mesa's software renderer runs on none, though it imports dma-bufs. Everything else of EGL is left as it is.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define EGL_EXTENSIONS 0x3055
#define EGL_DRM_DEVICE_FILE_EXT 0x3233

typedef void (*function)(void);

static const char *(*query_string)(void *device, int name);

static const char *query_string_of_device(void *device, int name)
{
    const char *node = getenv("EGL_DEVICE_NODE");
    if (node && name == EGL_DRM_DEVICE_FILE_EXT)
        return node;
    if (node && name == EGL_EXTENSIONS)
        return "EGL_EXT_device_drm";
    return query_string(device, name);
}

function eglGetProcAddress(const char *name)
{
    static function (*next)(const char *name);
    if (!next)
        next = (function(*)(const char *))dlsym(RTLD_NEXT, "eglGetProcAddress");
    if (!next) // weston loads libEGL with its renderer: it comes after us, out of RTLD_NEXT's sight
        next = (function(*)(const char *))dlsym(dlopen("libEGL.so.1", RTLD_NOW), "eglGetProcAddress");
    function found = next(name);
    if (!found || strcmp(name, "eglQueryDeviceStringEXT"))
        return found;
    query_string = (const char *(*)(void *, int))found;
    return (function)query_string_of_device;
}
