// SPDX-License-Identifier: MIT
//
// gsguest: the whole user space of the lab's tiny guests. It is /init of the initramfs: mounts, loads the modules listed
// in /m/order, then does the one job that the kernel command line names, and says on the serial line what it shows, so
// that a host can compare every pixel.
//
// Kernel command line
//   gs.job=NAME      see the table of jobs at the end of this file (default: pattern)
//   gs.frames=N      frames, rectangles or boots, by job (default 60; reboot: 2); 0 frames of job flip: until a key is pressed
//   gs.seed=S        goes into every picture (default 0)
//   gs.mode=WxH      this mode instead of the connector's preferred one
//   gs.seconds=T     duration of paced, flood, modetest, weston; pause before each reboot (default 5; reboot 1)
//   gs.hold=T        power off T seconds after GS-DONE (default: hold the last picture for ever)
//   gs.wait=T        seconds to wait for a DRM device (default 10)
//   gs.trace=N       what the kernel traces of fences is summed up with GS-DONE: GS-FENCES; N-1 of its lines are printed
//
// Lines on the serial console (ttyS0), always whole lines, nothing else starts with GS-
//   GS-BOOT  up=SECONDS                                    first line of user space
//   GS-READY job=J mode=WxH kernel=RELEASE boot=N          a picture is on the screen (console: the text is printed)
//   GS-HOLD  job=J head=K mode=WxH frame=F seed=S crc=XXXXXXXX   what head K shows from now on (cursor job: + cursor=X,Y)
//   GS-DONE  job=J frames=N seconds=T longest_ms=M late=L  the job's work is done, the picture stays. M: the longest that a flip took, L: how many
//                                                          took longer than the 50 ms for which virtio-gpu's driver waits for a flush's fence
//   GS-FENCES waits=W timed_out=T longest_ms=M overtaken=O flushes=F   what the kernel has waited for of virtio-gpu's fences: W times, T of them in vain, M for the longest; O fences
//                                                          were signalled by a later one's answer, F of which were flushes'. lost=L: events that the kernel's buffer had no room for
//   GS-CLOCK up=SECONDS                                    every ten seconds from the job's start, whatever the display does
//   GS-OFF   job=J head=K                                  the monitor of head K is unplugged (job follow)
//   GS-INPUT ...                                           one line per input event (job input)
//   GS-RATE  quiet=F changing=F changes=N                  flips a second beside a cursor that stays and one that changes (job shapes)
//   GS-FAIL  what: why                                     it could not be done
// Kernel messages of level error and worse appear on the same line; a good run has none.
//
// crc: CRC-32 as in zlib and PNG (polynomial 0xEDB88320, initial and final inversion) over the visible pixels, row by
// row from the top left, three bytes R, G, B per pixel; the X byte of XRGB8888 does not count.
//
// The picture of (frame, head, seed) in a mode of width W and height H; all arithmetic modulo 2^32, then & 255:
//   1. r = 3x + y + 7 frame + 31 seed        g = 3y + (x >> 3) + 5 frame + 64 head        b = (x ^ y) + 11 frame + 13 seed
//   2. if ((x >> 4) + (y >> 4) + frame) % 5 == 0: invert r, g and b                                  (tiles of 16x16)
//   3. if x == y: black                                                                        (a diagonal, top left)
//   4. a label, one cell = 8x8 pixels, its box 33x7 cells at pixel (8,8): black, with 8 hexadecimal digits in white; digit k
//      (most significant first) of  (frame & 0xffff) << 16 | (head & 15) << 12 | (seed & 0xfff)  begins at cell (1+4k, 1), is 3x5 cells,
//      and cell (cx,cy) of it is white if bit 14 - (3 cy + cx) of GLYPHS[digit] is set
//   5. if x == 0, y == 0, x == W-1 or y == H-1: white                                         (a border of one pixel)
// Job damage: frame 0 everywhere; then rectangle i = 1..N is filled with the picture of frame i at the same place:
//   m = mix(seed * 0x9E3779B9 + i);  w = 1 + (m & 63);  h = 1 + (m >> 6 & 63);  x = (m >> 12) % (W-w+1);  y = mix(m ^ 0x85EBCA6B) % (H-h+1)
//   mix(v): v ^= v >> 16; v *= 0x85EBCA6B; v ^= v >> 13; v *= 0xC2B2AE35; v ^= v >> 16
// Cursor image (64x64 premultiplied ARGB8888, hot spot 0,0): x < 2, y < 2 or x == y: opaque (4x, 4y, 255); else x + y < 48:
//   0x80808080; else 0. While frame i is shown it stands at (13 i % W, 7 i % H). Job shapes: it stays at (100, 80), and every other image, not the last, has red
//   and blue exchanged.
//
// Only Linux UAPI: build with  gcc -static -O2 -I <libdrm headers>

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/fb.h>
#include <linux/input.h>

#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>

#define MAX_HEADS 16
#define MAX_MODES 128
#define FLUSH_TIMEOUT 0.050 // of the fence in virtio_gpu_resource_flush()

static const uint16_t GLYPHS[16] = {
    0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF, 0x79EF, 0x7249, 0x7BEF, 0x7BCF, 0x7BED, 0x6BAE, 0x3923, 0x6B6E, 0x79E7, 0x79E4,
};

struct buffer {
    uint32_t fb, handle, width, height, pitch;
    uint64_t size;
    uint8_t *pixels;
};

struct head {
    uint32_t connector, crtc;
    struct drm_mode_modeinfo mode;
    struct buffer buffers[2];
    int front;
    uint32_t frame; // of the picture in front
};

static char job[32] = "pattern";
static uint32_t seed;
static int frames = -1, hold = -1, wait_seconds = 10, mode_width, mode_height, boot = 1;
static double seconds = -1;
static char release[65];
static int drm = -1, head_count;
static struct head heads[MAX_HEADS];
static double longest_flip;
static int late_flips, traces;

// ---- serial line, time, end ---------------------------------------------------------------------------------------------

static void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    for (int done = 0; done < length;) {
        ssize_t n = write(1, line + done, length - done);
        if (n <= 0 && errno != EINTR)
            break;
        done += n > 0 ? n : 0;
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void pause_for(double t)
{
    struct timespec left = { (time_t)t, (long)((t - (time_t)t) * 1e9) };
    while (nanosleep(&left, &left) && errno == EINTR) { }
}

static void finish(int command)
{
    sync();
    fflush(NULL);
    for (;;) {
        pause_for(0.05); // the serial line's FIFO
        reboot(command);
        pause_for(5);
    }
}

static void fail(const char *what)
{
    say("GS-FAIL %s: %s", what, strerror(errno));
    pause_for(hold >= 0 ? hold : 3600);
    finish(RB_POWER_OFF);
}

// ---- what the kernel waits for --------------------------------------------------------------------------------------------

#define TRACING "/sys/kernel/tracing/"
#define MAX_FENCES (1 << 20) // by number: each answered command has one

static void trace_setting(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, TRACING "%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        say("GS-FAIL %s: %s", path, strerror(errno));
    close(fd);
}

static void start_tracing(void)
{
    mount("tracefs", TRACING, "tracefs", 0, NULL);
    trace_setting("buffer_size_kb", "32768");
    trace_setting("events/dma_fence/dma_fence_wait_start/enable", "1");
    trace_setting("events/dma_fence/dma_fence_wait_end/enable", "1");
    trace_setting("events/dma_fence/dma_fence_signaled/enable", "1");
    trace_setting("events/virtio_gpu/enable", "1");
}

static unsigned long number_after(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    return at ? strtoul(at + strlen(name), NULL, 0) : 0;
}

// A wait has timed out if its fence wasn't signalled when it ended. A fence was overtaken if it was signalled before its own answer came.
static void sum_up_trace(void)
{
    enum { ANSWERED = 1, SIGNALLED = 2, FLUSH = 4 };
    static uint8_t fences[MAX_FENCES];
    static double waiting[MAX_FENCES];
    char line[512];
    int waits = 0, timed_out = 0, overtaken = 0, flushes = 0;
    unsigned long lost = 0, context = 0;
    double longest = 0;
    trace_setting("tracing_on", "0");
    FILE *trace = fopen(TRACING "trace", "re");
    for (int left = traces - 1; trace && fgets(line, sizeof line, trace);) {
        if (line[0] != '#' && left-- > 0)
            say("%.*s", (int)strcspn(line, "\n"), line);
        const char *colon = strstr(line, ": ");
        double t = 0;
        for (const char *at = colon; at && at > line && at[-1] != ' '; t = atof(--at)) { }
        if (line[0] == '#') {
            unsigned long kept, written;
            const char *of = strchr(line, '/');
            if (of && sscanf(line, "# entries-in-buffer/entries-written: %lu/%lu", &kept, &written) == 2)
                lost = written - kept;
        } else if (strstr(line, "virtio_gpu_cmd_queue:")) {
            unsigned long fence = number_after(line, "fence_id=");
            if (number_after(line, "type=") == 0x104 && (number_after(line, "flags=") & 1) && fence < MAX_FENCES)
                fences[fence] |= FLUSH;
        } else if (strstr(line, "virtio_gpu_cmd_response:")) {
            unsigned long fence = number_after(line, "fence_id=");
            if ((number_after(line, "flags=") & 1) && fence < MAX_FENCES)
                fences[fence] |= ANSWERED;
        } else if (strstr(line, "dma_fence_")) {
            // newer kernels don't name the driver of a fence that has signalled
            unsigned long fence = number_after(line, "seqno=");
            if (strstr(line, "timeline=controlq"))
                context = number_after(line, "context=");
            if (fence >= MAX_FENCES || number_after(line, "context=") != context)
                continue;
            if (strstr(line, "dma_fence_wait_start:")) {
                waiting[fence] = t;
            } else if (strstr(line, "dma_fence_wait_end:")) {
                waits++;
                timed_out += !(fences[fence] & SIGNALLED);
                if (waiting[fence] > 0 && t - waiting[fence] > longest) // or it has begun before there was a trace
                    longest = t - waiting[fence];
            } else if (!(fences[fence] & SIGNALLED)) {
                overtaken += !(fences[fence] & ANSWERED);
                flushes += (fences[fence] & (FLUSH | ANSWERED)) == FLUSH;
                fences[fence] |= SIGNALLED;
            }
        }
    }
    if (trace)
        fclose(trace);
    say("GS-FENCES waits=%d timed_out=%d longest_ms=%.0f overtaken=%d flushes=%d lost=%lu", waits, timed_out, longest * 1000, overtaken, flushes, lost);
}

static void done(int count, double t)
{
    if (traces)
        sum_up_trace();
    say("GS-DONE job=%s frames=%d seconds=%.3f longest_ms=%.0f late=%d", job, count, t, longest_flip * 1000, late_flips);
}

// From a process of its own: if these lines end, it isn't the display that stands still, but the machine.
static void tell_the_time(void)
{
    if (fork() != 0)
        return;
    for (;; pause_for(10))
        say("GS-CLOCK up=%.1f", now());
}

static void hold_picture(void)
{
    if (hold < 0)
        for (;;)
            pause_for(3600);
    pause_for(hold);
    finish(RB_POWER_OFF);
}

// ---- pictures -----------------------------------------------------------------------------------------------------------

static uint32_t pixel(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t frame, uint32_t head)
{
    if (x == 0 || y == 0 || x == width - 1 || y == height - 1)
        return 0xffffff;
    if (x - 8 < 33 * 8 && y - 8 < 7 * 8) {
        uint32_t cx = (x - 8) / 8 - 1, cy = (y - 8) / 8 - 1;
        if (cx < 32 && cy < 5 && cx % 4 < 3) {
            uint32_t value = (frame & 0xffff) << 16 | (head & 15) << 12 | (seed & 0xfff);
            uint32_t digit = value >> (28 - 4 * (cx / 4)) & 15;
            if (GLYPHS[digit] >> (14 - (3 * cy + cx % 4)) & 1)
                return 0xffffff;
        }
        return 0;
    }
    if (x == y)
        return 0;
    uint32_t r = 3 * x + y + 7 * frame + 31 * seed, g = 3 * y + (x >> 3) + 5 * frame + 64 * head, b = (x ^ y) + 11 * frame + 13 * seed;
    uint32_t c = (r & 255) << 16 | (g & 255) << 8 | (b & 255);
    return ((x >> 4) + (y >> 4) + frame) % 5 == 0 ? c ^ 0xffffff : c;
}

static void draw(struct buffer *b, uint32_t x0, uint32_t y0, uint32_t w, uint32_t h, uint32_t frame, uint32_t head)
{
    for (uint32_t y = y0; y < y0 + h; y++) {
        uint32_t *row = (uint32_t *)(b->pixels + (size_t)y * b->pitch);
        for (uint32_t x = x0; x < x0 + w; x++)
            row[x] = pixel(x, y, b->width, b->height, frame, head);
    }
}

static void draw_all(struct buffer *b, uint32_t frame, uint32_t head)
{
    draw(b, 0, 0, b->width, b->height, frame, head);
}

static uint32_t mix(uint32_t v)
{
    v ^= v >> 16;
    v *= 0x85EBCA6B;
    v ^= v >> 13;
    v *= 0xC2B2AE35;
    v ^= v >> 16;
    return v;
}

static uint32_t crc_of(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t pitch)
{
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t v = i;
            for (int k = 0; k < 8; k++)
                v = v & 1 ? v >> 1 ^ 0xEDB88320 : v >> 1;
            table[i] = v;
        }
    uint32_t crc = ~0u;
    for (uint32_t y = 0; y < height; y++) {
        const uint32_t *row = (const uint32_t *)(pixels + (size_t)y * pitch);
        for (uint32_t x = 0; x < width; x++) {
            uint32_t c = row[x];
            crc = table[(crc ^ c >> 16) & 255] ^ crc >> 8;
            crc = table[(crc ^ c >> 8) & 255] ^ crc >> 8;
            crc = table[(crc ^ c) & 255] ^ crc >> 8;
        }
    }
    return ~crc;
}

static void say_ready(void)
{
    say("GS-READY job=%s mode=%ux%u kernel=%s boot=%d", job, heads[0].mode.hdisplay, heads[0].mode.vdisplay, release, boot);
}

static void say_hold(const char *more)
{
    for (int k = 0; k < head_count; k++) {
        struct head *h = &heads[k];
        struct buffer *b = &h->buffers[h->front];
        if (!b->pixels)
            continue; // its monitor is unplugged
        say("GS-HOLD job=%s head=%d mode=%ux%u frame=%u seed=%u crc=%08x%s", job, k, b->width, b->height, h->frame, seed,
            crc_of(b->pixels, b->width, b->height, b->pitch), more);
    }
}

// ---- DRM ----------------------------------------------------------------------------------------------------------------

static int call(unsigned long request, void *argument)
{
    int r;
    do
        r = ioctl(drm, request, argument);
    while (r < 0 && (errno == EINTR || errno == EAGAIN));
    return r;
}

static void create_buffer(struct buffer *b, uint32_t width, uint32_t height, uint32_t format)
{
    struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = 32 };
    if (call(DRM_IOCTL_MODE_CREATE_DUMB, &create))
        fail("CREATE_DUMB");
    *b = (struct buffer){ .handle = create.handle, .width = width, .height = height, .pitch = create.pitch, .size = create.size };
    if (format) {
        struct drm_mode_fb_cmd2 add = { .width = width, .height = height, .pixel_format = format, .handles = { create.handle }, .pitches = { create.pitch } };
        if (call(DRM_IOCTL_MODE_ADDFB2, &add))
            fail("ADDFB2");
        b->fb = add.fb_id;
    }
    struct drm_mode_map_dumb map = { .handle = create.handle };
    if (call(DRM_IOCTL_MODE_MAP_DUMB, &map))
        fail("MAP_DUMB");
    b->pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, drm, map.offset);
    if (b->pixels == MAP_FAILED)
        fail("mmap of a dumb buffer");
}

static void destroy_buffer(struct buffer *b)
{
    if (!b->pixels)
        return;
    munmap(b->pixels, b->size);
    if (b->fb)
        call(DRM_IOCTL_MODE_RMFB, &b->fb);
    struct drm_mode_destroy_dumb destroy = { .handle = b->handle };
    call(DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
    *b = (struct buffer){ 0 };
}

// A connector's mode: the one asked for, else that of the kernel's video= option, the preferred, the first. False if it is not connected.
static int probe(uint32_t connector, struct drm_mode_modeinfo *mode)
{
    static struct drm_mode_modeinfo modes[MAX_MODES];
    struct drm_mode_get_connector c = { .connector_id = connector };
    if (call(DRM_IOCTL_MODE_GETCONNECTOR, &c) || c.connection != 1 /* connected */ || c.count_modes == 0)
        return 0;
    uint32_t count = c.count_modes > MAX_MODES ? MAX_MODES : c.count_modes;
    c = (struct drm_mode_get_connector){ .connector_id = connector, .modes_ptr = (uintptr_t)modes, .count_modes = count };
    if (call(DRM_IOCTL_MODE_GETCONNECTOR, &c))
        return 0;
    count = c.count_modes < count ? c.count_modes : count;
    *mode = modes[0];
    for (int best = 0, rank, i = count - 1; i >= 0; i--)
        if ((rank = modes[i].type & DRM_MODE_TYPE_USERDEF ? 2 : modes[i].type & DRM_MODE_TYPE_PREFERRED ? 1 : 0) && rank >= best) {
            *mode = modes[i];
            best = rank;
        }
    if (!mode_width)
        return 1;
    for (uint32_t i = 0; i < count; i++)
        if (modes[i].hdisplay == mode_width && modes[i].vdisplay == mode_height) {
            *mode = modes[i];
            return 1;
        }
    // not in the list: a virtual display takes any; timings as for a reduced-blanking mode of 60 Hz
    uint32_t htotal = mode_width + 160, vtotal = mode_height + 30;
    *mode = (struct drm_mode_modeinfo){ .hdisplay = mode_width, .hsync_start = mode_width + 48, .hsync_end = mode_width + 80, .htotal = htotal,
        .vdisplay = mode_height, .vsync_start = mode_height + 3, .vsync_end = mode_height + 9, .vtotal = vtotal,
        .clock = htotal * vtotal * 60 / 1000, .vrefresh = 60, .type = DRM_MODE_TYPE_USERDEF };
    snprintf(mode->name, sizeof mode->name, "%ux%u", mode_width, mode_height);
    return 1;
}

static void set_crtc(struct head *h, uint32_t fb)
{
    struct drm_mode_crtc set = { .crtc_id = h->crtc, .fb_id = fb, .set_connectors_ptr = (uintptr_t)&h->connector, .count_connectors = 1, .mode = h->mode, .mode_valid = 1 };
    if (call(DRM_IOCTL_MODE_SETCRTC, &set))
        fail("SETCRTC");
}

static void open_drm(void)
{
    for (double end = now() + wait_seconds; drm < 0;) {
        drm = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
        if (drm < 0 && now() > end)
            fail("/dev/dri/card0");
        if (drm < 0)
            pause_for(0.01);
    }
    call(DRM_IOCTL_SET_MASTER, NULL);
}

// Every connected connector with a CRTC of its own (virtio-gpu: connector k belongs to CRTC k).
static void find_heads(int limit)
{
    uint32_t crtcs[MAX_HEADS], connectors[MAX_HEADS];
    struct drm_mode_card_res r = { .crtc_id_ptr = (uintptr_t)crtcs, .connector_id_ptr = (uintptr_t)connectors, .count_crtcs = MAX_HEADS, .count_connectors = MAX_HEADS };
    if (call(DRM_IOCTL_MODE_GETRESOURCES, &r))
        fail("GETRESOURCES");
    for (uint32_t k = 0; k < r.count_connectors && k < r.count_crtcs && k < MAX_HEADS && head_count < limit; k++) {
        struct head h = { .connector = connectors[k], .crtc = crtcs[k] };
        if (probe(connectors[k], &h.mode))
            heads[head_count++] = h;
    }
    if (head_count == 0) {
        errno = ENODEV;
        fail("no connected connector");
    }
}

// The first picture of every head, shown: buffer 0, frame as given.
static void set_up(int limit, int buffers, uint32_t frame)
{
    open_drm();
    find_heads(limit);
    for (int k = 0; k < head_count; k++) {
        struct head *h = &heads[k];
        for (int i = 0; i < buffers; i++)
            create_buffer(&h->buffers[i], h->mode.hdisplay, h->mode.vdisplay, DRM_FORMAT_XRGB8888);
        h->frame = frame;
        draw_all(&h->buffers[0], frame, k);
        set_crtc(h, h->buffers[0].fb);
    }
    say_ready();
}

static void flip_and_wait(struct head *h, int to, uint32_t frame)
{
    struct drm_mode_crtc_page_flip flip = { .crtc_id = h->crtc, .fb_id = h->buffers[to].fb, .flags = DRM_MODE_PAGE_FLIP_EVENT };
    double begin = now(), t;
    if (call(DRM_IOCTL_MODE_PAGE_FLIP, &flip))
        fail("PAGE_FLIP");
    struct pollfd p = { .fd = drm, .events = POLLIN };
    if (poll(&p, 1, 10000) != 1) {
        errno = ETIMEDOUT;
        fail("the flip event");
    }
    char events[256];
    if (read(drm, events, sizeof events) < (ssize_t)sizeof(struct drm_event_vblank))
        fail("reading the flip event");
    t = now() - begin;
    longest_flip = t > longest_flip ? t : longest_flip;
    late_flips += t > FLUSH_TIMEOUT;
    h->front = to;
    h->frame = frame;
}

static int mark_dirty(struct head *h, uint32_t x, uint32_t y, uint32_t w, uint32_t hgt)
{
    struct drm_clip_rect clip = { x, y, x + w, y + hgt };
    struct drm_mode_fb_dirty_cmd dirty = { .fb_id = h->buffers[h->front].fb, .num_clips = 1, .clips_ptr = (uintptr_t)&clip };
    return call(DRM_IOCTL_MODE_DIRTYFB, &dirty);
}

// ---- jobs ---------------------------------------------------------------------------------------------------------------

static void job_pattern(void)
{
    set_up(1, 1, 0);
    say_hold("");
    done(1, 0);
}

static void job_heads(void)
{
    set_up(MAX_HEADS, 1, 0);
    say_hold("");
    done(head_count, 0);
}

// The first input device with a space bar. Keyboards are found in the background: it may take a moment.
static int open_keyboard(void)
{
    for (double end = now() + wait_seconds; now() < end; pause_for(0.05))
        for (int i = 0; i < 32; i++) {
            uint8_t keys[KEY_MAX / 8 + 1] = { 0 };
            char path[32];
            snprintf(path, sizeof path, "/dev/input/event%d", i);
            int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
            if (fd < 0)
                continue;
            if (ioctl(fd, EVIOCGBIT(EV_KEY, sizeof keys), keys) > 0 && keys[KEY_SPACE / 8] >> KEY_SPACE % 8 & 1)
                return fd;
            close(fd);
        }
    errno = ENODEV;
    fail("a keyboard");
    return -1;
}

// Frames 1..N, each wholly drawn into the buffer that is not shown.
static void job_flip(void)
{
    struct input_event event;
    int keyboard = frames > 0 ? -1 : open_keyboard(), count = 0;
    set_up(1, 2, 0);
    struct head *h = &heads[0];
    double begin = now();
    while (frames > 0 ? count < frames : read(keyboard, &event, sizeof event) <= 0) {
        int back = !h->front;
        draw_all(&h->buffers[back], ++count, 0);
        flip_and_wait(h, back, count);
    }
    double t = now() - begin;
    say_hold("");
    done(count, t);
}

// Flips for T seconds, N of them if the display keeps up, between two pictures that were drawn beforehand: hardly any work
// of the guest's own.
static void job_paced(void)
{
    set_up(1, 2, 0);
    struct head *h = &heads[0];
    draw_all(&h->buffers[1], 1, 0);
    int count = 0;
    double begin = now(), turn = begin, t;
    while ((t = now()) < begin + seconds) {
        turn += seconds / frames;
        if (turn > t)
            pause_for(turn - t);
        else
            turn = t; // late: what was missed isn't made up for
        count++;
        flip_and_wait(h, !h->front, count & 1);
    }
    say_hold("");
    done(count, t - begin);
}

static void job_damage(void)
{
    set_up(1, 1, 0);
    struct head *h = &heads[0];
    struct buffer *b = &h->buffers[0];
    double begin = now();
    for (int i = 1; i <= frames; i++) {
        uint32_t m = mix(seed * 0x9E3779B9u + i), w = 1 + (m & 63), hgt = 1 + (m >> 6 & 63);
        uint32_t x = (m >> 12) % (b->width - w + 1), y = mix(m ^ 0x85EBCA6B) % (b->height - hgt + 1);
        draw(b, x, y, w, hgt, i, 0);
        if (mark_dirty(h, x, y, w, hgt))
            fail("DIRTYFB");
    }
    double t = now() - begin;
    say_hold("");
    done(frames, t);
}

static void create_cursor(struct buffer *image, int red, int blue)
{
    create_buffer(image, 64, 64, 0);
    for (uint32_t y = 0; y < 64; y++)
        for (uint32_t x = 0; x < 64; x++)
            ((uint32_t *)(image->pixels + y * image->pitch))[x] =
                x < 2 || y < 2 || x == y ? 0xff000000u | 4 * x << red | 4 * y << 8 | 255u << blue : x + y < 48 ? 0x80808080u : 0;
}

static void set_cursor(struct head *h, struct buffer *image, int x, int y)
{
    struct drm_mode_cursor2 set = { .flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, .crtc_id = h->crtc, .x = x, .y = y, .width = 64, .height = 64, .handle = image->handle };
    if (call(DRM_IOCTL_MODE_CURSOR2, &set))
        fail("CURSOR2");
}

static void job_cursor(void)
{
    set_up(1, 2, 0);
    struct head *h = &heads[0];
    struct buffer image;
    create_cursor(&image, 16, 0);
    set_cursor(h, &image, 0, 0);
    int x = 0, y = 0;
    double begin = now();
    for (int i = 1; i <= frames; i++) {
        int back = !h->front;
        draw_all(&h->buffers[back], i, 0);
        flip_and_wait(h, back, i);
        x = 13 * i % h->mode.hdisplay;
        y = 7 * i % h->mode.vdisplay;
        struct drm_mode_cursor2 move = { .flags = DRM_MODE_CURSOR_MOVE, .crtc_id = h->crtc, .x = x, .y = y };
        if (call(DRM_IOCTL_MODE_CURSOR2, &move))
            fail("moving the cursor");
    }
    double t = now() - begin;
    char more[64];
    snprintf(more, sizeof more, " cursor=%d,%d", x, y);
    say_hold(more);
    done(frames, t);
}

// Flips as fast as it can, in turns of a second: beside a cursor that stays as it is, and beside one whose image another process changes thirty times a second.
static void job_shapes(void)
{
    set_up(1, 2, 0);
    struct head *h = &heads[0];
    struct buffer images[2];
    draw_all(&h->buffers[1], 1, 0);
    create_cursor(&images[0], 16, 0);
    create_cursor(&images[1], 0, 16);
    set_cursor(h, &images[0], 100, 80);

    struct { volatile int turn, changes; } *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("shared memory");
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    while (child == 0) {
        pause_for(1.0 / 30);
        if (shared->turn < 0) {
            set_cursor(h, &images[0], 100, 80);
            _exit(0);
        }
        if (shared->turn & 1)
            set_cursor(h, &images[++shared->changes & 1], 100, 80);
    }

    int count = 0, flips[2] = { 0 };
    double begin = now(), spent[2] = { 0 };
    while (now() < begin + seconds) {
        int changing = shared->turn & 1;
        double t = now(), end = t + 1;
        for (; now() < end; flips[changing]++) {
            count++;
            flip_and_wait(h, !h->front, count & 1);
        }
        spent[changing] += now() - t;
        shared->turn++;
    }
    shared->turn = -1;
    waitpid(child, NULL, 0);
    say("GS-RATE quiet=%.1f changing=%.1f changes=%d", flips[0] / spent[0], flips[1] / spent[1], shared->changes);
    say_hold(" cursor=100,80");
    done(count, now() - begin);
}

// As many flips and rectangles as the device takes: only a small block is drawn for each. The last picture is a whole one.
static void job_flood(void)
{
    set_up(1, 2, 0);
    struct head *h = &heads[0];
    draw_all(&h->buffers[1], 0, 0);
    int count = 0;
    double begin = now();
    while (now() - begin < seconds) {
        count++;
        int back = !h->front;
        draw(&h->buffers[back], 16, 80, 32, 32, count, 0);
        flip_and_wait(h, back, count);
        draw(&h->buffers[h->front], 64, 80, 32, 32, count, 0);
        if (mark_dirty(h, 64, 80, 32, 32))
            fail("DIRTYFB");
    }
    double t = now() - begin;
    int back = !h->front;
    draw_all(&h->buffers[back], count, 0);
    flip_and_wait(h, back, count);
    say_hold("");
    done(count, t);
}

// Boot n shows the picture of frame n-1; after the last of gs.frames boots the picture stays.
static void job_reboot(void)
{
    set_up(1, 1, boot - 1);
    say_hold("");
    done(boot, 0);
    if (boot < frames) {
        pause_for(seconds);
        finish(RB_AUTOBOOT);
    }
}

// Follows the host's displays: a new mode-set and the next frame's picture whenever a head's preferred mode changes, nothing while its monitor is unplugged.
// A mode counts when it is seen twice: between the answers with the EDID and with the display's size the driver drops the preferred one, which does not fit the
// old size, and lists what else there is. (Desktops look when they are told to, after both.)
static void job_follow(void)
{
    struct drm_mode_modeinfo seen[MAX_HEADS] = { 0 };
    set_up(MAX_HEADS, 1, 0);
    say_hold("");
    done(0, 0);
    for (double begin = now();;) {
        for (int k = 0; k < head_count; k++) {
            struct head *h = &heads[k];
            struct drm_mode_modeinfo mode;
            int is_plugged = probe(h->connector, &mode), is_on = h->buffers[0].pixels != NULL;
            if (!is_plugged && !is_on)
                continue;
            if (is_plugged) {
                int is_new = mode.hdisplay != seen[k].hdisplay || mode.vdisplay != seen[k].vdisplay;
                seen[k] = mode;
                if (is_new || (is_on && mode.hdisplay == h->mode.hdisplay && mode.vdisplay == h->mode.vdisplay))
                    continue;
            }
            struct buffer old = h->buffers[0];
            h->buffers[0] = (struct buffer){ 0 };
            if (is_plugged) {
                h->mode = mode;
                create_buffer(&h->buffers[0], mode.hdisplay, mode.vdisplay, DRM_FORMAT_XRGB8888);
                h->frame++;
                draw_all(&h->buffers[0], h->frame, k);
                set_crtc(h, h->buffers[0].fb);
            } else {
                struct drm_mode_crtc off = { .crtc_id = h->crtc };
                if (call(DRM_IOCTL_MODE_SETCRTC, &off))
                    fail("turning a CRTC off");
                say("GS-OFF job=%s head=%d", job, k);
            }
            if (is_on)
                destroy_buffer(&old);
            say_hold("");
            done(h->frame, now() - begin);
        }
        pause_for(0.02);
    }
}

// Text by the kernel's own console on the fbdev emulation. What /dev/fb0 holds is what the screen is to show.
static void job_console(void)
{
    int fb = -1, tty = open("/dev/tty0", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        fail("/dev/tty0");
    dprintf(tty, "\033[2J\033[H\033[?25l");
    for (double end = now() + wait_seconds; fb < 0;) {
        fb = open("/dev/fb0", O_RDWR | O_CLOEXEC);
        if (fb < 0 && now() > end)
            fail("/dev/fb0");
        if (fb < 0)
            pause_for(0.01);
    }
    int lines = frames;
    for (int i = 1; i <= lines; i++)
        dprintf(tty, "\033[3%dmline %4d of %4d: \033[0mthe quick brown fox jumps over the lazy dog 0123456789 ~!@#$%%^&*()_+%s", 1 + i % 7, i, lines, i < lines ? "\n" : "");
    struct fb_var_screeninfo var;
    struct fb_fix_screeninfo fix;
    if (ioctl(fb, FBIOGET_VSCREENINFO, &var) || ioctl(fb, FBIOGET_FSCREENINFO, &fix))
        fail("FBIOGET_VSCREENINFO");
    if (var.bits_per_pixel != 32 || var.red.offset != 16 || var.green.offset != 8 || var.blue.offset != 0) {
        errno = EINVAL;
        fail("the fbdev emulation's pixel format");
    }
    const uint8_t *pixels = mmap(NULL, fix.smem_len, PROT_READ, MAP_SHARED, fb, 0);
    if (pixels == MAP_FAILED)
        fail("mmap of /dev/fb0");
    pixels += var.yoffset * fix.line_length + var.xoffset * 4;
    say("GS-READY job=%s mode=%ux%u kernel=%s boot=%d", job, var.xres, var.yres, release, boot);
    // the console draws from a work queue: settled when two looks agree
    uint32_t crc = crc_of(pixels, var.xres, var.yres, fix.line_length), before;
    int same = 0;
    do {
        pause_for(0.15);
        before = crc;
        crc = crc_of(pixels, var.xres, var.yres, fix.line_length);
        same = before == crc ? same + 1 : 0;
    } while (same < 2);
    say("GS-HOLD job=%s head=0 mode=%ux%u frame=0 seed=%u crc=%08x", job, var.xres, var.yres, seed, crc);
    done(lines, 0);
}

// Every event of every input device; the pattern is shown meanwhile, on every head.
static void job_input(void)
{
    struct pollfd devices[32];
    int count = 0;
    set_up(MAX_HEADS, 1, 0);
    say_hold("");
    for (int i = 0; i < 32; i++) {
        char path[32], name[80] = "?";
        snprintf(path, sizeof path, "/dev/input/event%d", i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ioctl(fd, EVIOCGNAME(sizeof name), name);
        say("GS-INPUT device=%d name=%s", count, name);
        devices[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    done(count, 0);
    for (;;) {
        if (poll(devices, count, -1) < 0)
            continue;
        for (int i = 0; i < count; i++) {
            struct input_event events[64];
            if (!(devices[i].revents & POLLIN))
                continue;
            ssize_t n = read(devices[i].fd, events, sizeof events);
            for (ssize_t k = 0; k < n / (ssize_t)sizeof events[0]; k++)
                if (events[k].type != EV_SYN)
                    say("GS-INPUT device=%d type=%u code=%u value=%d", i, events[k].type, events[k].code, events[k].value);
        }
    }
}

// Runs a command of the bigger images with its output on the serial line; killed (TERM, then KILL) after gs.seconds if `bounded`.
static int run(int bounded, char *const argv[])
{
    double begin = now();
    pid_t child = fork();
    if (child == 0) {
        setsid();
        execv(argv[0], argv);
        say("GS-FAIL %s: %s", argv[0], strerror(errno));
        _exit(127);
    }
    for (int status, sent = 0;; pause_for(0.02)) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status;
        if (bounded && now() - begin > seconds + sent) {
            kill(child, sent ? SIGKILL : SIGTERM);
            sent = 1;
        }
    }
}

static void job_modetest(void)
{
    open_drm();
    find_heads(1);
    close(drm);
    struct head *h = &heads[0];
    char set[64];
    snprintf(set, sizeof set, "%u@%u:%ux%u", h->connector, h->crtc, h->mode.hdisplay, h->mode.vdisplay);
    say_ready();
    double begin = now();
    // with its standard input a pipe that never ends it flips until it is killed
    int p[2];
    if (pipe(p))
        fail("pipe");
    dup2(p[0], 0);
    char *argv[] = { "/usr/bin/modetest", "-M", "virtio_gpu", "-s", set, "-v", NULL };
    int status = run(1, argv);
    if (WIFEXITED(status) && WEXITSTATUS(status)) {
        errno = EIO;
        fail("modetest");
    }
    done(0, now() - begin);
}

static void job_shell(void)
{
    char *argv[] = { "/bin/busybox", "sh", "-l", NULL };
    say("GS-READY job=shell mode=0x0 kernel=%s boot=%d", release, boot);
    run(0, argv);
    finish(RB_POWER_OFF);
}

// A script of a bigger image (weston): /gs/NAME with the job's seconds
static void job_script(void)
{
    char path[64], t[32];
    snprintf(path, sizeof path, "/gs/%s", job);
    snprintf(t, sizeof t, "%.0f", seconds);
    setenv("GS_KERNEL", release, 1);
    char *argv[] = { path, t, NULL };
    double begin = now();
    int status = run(0, argv);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        errno = EIO;
        fail(path);
    }
    done(0, now() - begin);
}

static const struct {
    const char *name;
    void (*run)(void);
    int frames;
    double seconds;
} jobs[] = {
    { "pattern", job_pattern, 1, 5 },    // one picture, held
    { "flip", job_flip, 60, 5 },         // N page flips between two buffers, each a whole new picture; 0: until a key is pressed
    { "paced", job_paced, 150, 5 },      // page flips between the pictures of frames 0 and 1 for T seconds, up to N
    { "damage", job_damage, 60, 5 },     // N small rectangles into one buffer, DIRTYFB clips
    { "console", job_console, 20, 5 },   // N lines of text by fbcon
    { "heads", job_heads, 1, 5 },        // a picture on every connected head
    { "cursor", job_cursor, 60, 5 },     // N flips with a hardware cursor that moves
    { "shapes", job_shapes, 0, 20 },     // flips for T seconds, beside a cursor that changes every other second
    { "flood", job_flood, 0, 5 },        // flips and rectangles as fast as possible for T seconds
    { "reboot", job_reboot, 2, 1 },      // N boots, another picture each
    { "follow", job_follow, 0, 5 },      // mode-sets when the host resizes
    { "input", job_input, 0, 5 },        // prints input events
    { "modetest", job_modetest, 0, 5 },  // libdrm's modetest -v (image: tools)
    { "weston", job_script, 0, 5 },      // weston on KMS with pixman (image: weston)
    { "shell", job_shell, 0, 5 },        // busybox on the serial line
};

// ---- start --------------------------------------------------------------------------------------------------------------

static void load_modules(void)
{
    FILE *order = fopen("/m/order", "re");
    char name[128], path[160];
    while (order && fgets(name, sizeof name, order)) {
        name[strcspn(name, "\n")] = 0;
        snprintf(path, sizeof path, "/m/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
            say("GS-FAIL %s: %s", path, strerror(errno));
        close(fd);
    }
    if (order)
        fclose(order);
}

static void read_command_line(void)
{
    static char line[4096];
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    line[n > 0 ? n : 0] = 0;
    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        if (!strncmp(word, "gs.job=", 7))
            snprintf(job, sizeof job, "%s", word + 7);
        else if (!strncmp(word, "gs.frames=", 10))
            frames = atoi(word + 10);
        else if (!strncmp(word, "gs.seed=", 8))
            seed = strtoul(word + 8, NULL, 0);
        else if (!strncmp(word, "gs.seconds=", 11))
            seconds = atof(word + 11);
        else if (!strncmp(word, "gs.hold=", 8))
            hold = atoi(word + 8);
        else if (!strncmp(word, "gs.wait=", 8))
            wait_seconds = atoi(word + 8);
        else if (!strncmp(word, "gs.trace=", 9))
            traces = atoi(word + 9);
        else if (!strncmp(word, "gs.mode=", 8) && sscanf(word + 8, "%dx%d", &mode_width, &mode_height) != 2)
            mode_width = mode_height = 0;
    }
}

static unsigned char cmos(int port, unsigned char at)
{
    unsigned char value = 0;
    if (pwrite(port, &at, 1, 0x70) != 1 || pread(port, &value, 1, 0x71) != 1)
        return 0;
    return value;
}

static void set_cmos(int port, unsigned char at, unsigned char value)
{
    if (pwrite(port, &at, 1, 0x70) != 1 || pwrite(port, &value, 1, 0x71) != 1)
        boot = 1;
}

// Which boot of this machine is it? Counted in two bytes of the CMOS RAM that neither firmware nor Linux uses: they
// outlive a reset, not a power-off. The ports are the kernel's to touch: QEMU's emulated SVM gives a program inside
// a nested guest #GP for `out`, whatever iopl() has allowed.
static void count_boots(void)
{
    enum { MAGIC_AT = 0x7a, COUNT_AT = 0x7b, MAGIC = 0x47 };
    int port = open("/dev/port", O_RDWR);
    if (port < 0)
        return;
    if (cmos(port, MAGIC_AT) == MAGIC)
        boot = cmos(port, COUNT_AT) + 1;
    set_cmos(port, MAGIC_AT, MAGIC);
    set_cmos(port, COUNT_AT, boot);
    close(port);
}

int main(void)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mkdir("/tmp", 01777);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    int console = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
    if (console >= 0) {
        dup2(console, 0);
        dup2(console, 1);
        dup2(console, 2);
        if (console > 2)
            close(console);
    }
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    struct utsname u;
    uname(&u);
    snprintf(release, sizeof release, "%s", u.release);
    say("GS-BOOT up=%.2f", now());
    read_command_line();
    count_boots();
    load_modules();
    if (traces)
        start_tracing();
    tell_the_time();
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        if (!strcmp(jobs[i].name, job)) {
            if (frames < 0)
                frames = jobs[i].frames;
            if (seconds < 0)
                seconds = jobs[i].seconds;
            jobs[i].run();
            hold_picture();
        }
    errno = EINVAL;
    fail("unknown gs.job");
}
