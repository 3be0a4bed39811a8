// SPDX-License-Identifier: MIT
// "sink": a compositor that shows nothing, on descriptor 3: answers the registry, wl_display.sync, frame callbacks and presentation feedback, drops all else.
// "client": a libwayland client of a sink of its own. A line on stdin, "wall|cpu FLUSHES FRAMES", makes it flush FLUSHES times FRAMES frames of five requests;
// it prints the median time of one flush, requests included, in ns.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <wayland-client.h>
#include "presentation-time-client.h"

enum { SIDE = 64, POOL_BYTES = SIDE * SIDE * 4 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- the sink ---- */

enum kind { NOTHING, REGISTRY, COMPOSITOR, SURFACE, PRESENTATION };
enum { IDS = 4096 };

static uint8_t kinds[IDS];
static uint32_t answers[1 << 16];
static size_t answer_words;
static uint32_t callbacks[256], feedbacks[256];
static size_t callback_count, feedback_count;

static void answer(uint32_t object, uint32_t opcode, const uint32_t *arguments, size_t count)
{
	answers[answer_words++] = object;
	answers[answer_words++] = (uint32_t)(8 + 4 * count) << 16 | opcode;
	memcpy(answers + answer_words, arguments, 4 * count);
	answer_words += count;
}

static void done(uint32_t callback)
{
	uint32_t zero = 0;
	answer(callback, 0, &zero, 1);
	answer(1, 1, &callback, 1);
}

static void offer(uint32_t registry, uint32_t name, const char *interface, uint32_t version)
{
	uint32_t a[16] = { name, (uint32_t)strlen(interface) + 1 };
	size_t words = (strlen(interface) + 4) / 4;
	strcpy((char *)(a + 2), interface);
	a[2 + words] = version;
	answer(registry, 0, a, 3 + words);
}

static void request(uint32_t object, uint32_t opcode, const uint32_t *a)
{
	uint8_t kind = object < IDS ? kinds[object] : NOTHING;
	if (object == 1 && opcode == 0) {
		done(a[0]);
	} else if (object == 1 && opcode == 1) {
		kinds[a[0] % IDS] = REGISTRY;
		offer(a[0], 1, "wl_compositor", 4);
		offer(a[0], 2, "wl_shm", 1);
		offer(a[0], 3, "wp_presentation", 1);
	} else if (kind == REGISTRY) {
		uint32_t id = a[2 + (a[1] + 3) / 4 + 1];
		kinds[id % IDS] = a[0] == 1 ? COMPOSITOR : a[0] == 3 ? PRESENTATION : NOTHING;
	} else if (kind == COMPOSITOR && opcode == 0) {
		kinds[a[0] % IDS] = SURFACE;
	} else if (kind == SURFACE && opcode == 3) {
		callbacks[callback_count++] = a[0];
	} else if (kind == PRESENTATION && opcode == 1) {
		feedbacks[feedback_count++] = a[1];
	} else if (kind == SURFACE && opcode == 6) {
		for (size_t i = 0; i < callback_count; i++)
			done(callbacks[i]);
		for (size_t i = 0; i < feedback_count; i++) {
			answer(feedbacks[i], 2, NULL, 0);
			answer(1, 1, &feedbacks[i], 1);
		}
		callback_count = feedback_count = 0;
	}
}

static int sink(int fd)
{
	static uint32_t buffer[1 << 15];
	size_t held = 0;
	for (;;) {
		char control[CMSG_SPACE(28 * sizeof(int))];
		struct iovec io = { (char *)buffer + held, sizeof buffer - held };
		struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
		ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return 0;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
				close(((int *)CMSG_DATA(c))[i]);
		held += (size_t)n;
		size_t at = 0;
		while (held - at >= 8) {
			uint32_t *words = buffer + at / 4;
			size_t size = words[1] >> 16;
			if (held - at < size)
				break;
			request(words[0], words[1] & 0xffff, words + 2);
			at += size;
		}
		memmove(buffer, (char *)buffer + at, held - at);
		held -= at;
		for (size_t sent = 0; sent < answer_words * 4;) {
			ssize_t m = send(fd, (char *)answers + sent, answer_words * 4 - sent, MSG_NOSIGNAL);
			if (m <= 0)
				return 0;
			sent += (size_t)m;
		}
		answer_words = 0;
	}
}

/* ---- the client ---- */

static struct wl_compositor *compositor;
static struct wl_shm *shm;
static struct wp_presentation *presentation;
static int pending;

static void global(void *data, struct wl_registry *registry, uint32_t name, const char *type, uint32_t version)
{
	if (!strcmp(type, "wl_compositor"))
		compositor = wl_registry_bind(registry, name, &wl_compositor_interface, version);
	else if (!strcmp(type, "wl_shm"))
		shm = wl_registry_bind(registry, name, &wl_shm_interface, version);
	else if (!strcmp(type, "wp_presentation"))
		presentation = wl_registry_bind(registry, name, &wp_presentation_interface, version);
}

static void global_remove(void *data, struct wl_registry *registry, uint32_t name) { }
static const struct wl_registry_listener registry_listener = { global, global_remove };

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
	pending--;
	wl_callback_destroy(callback);
}
static const struct wl_callback_listener frame_listener = { frame_done };

static void sync_output(void *data, struct wp_presentation_feedback *feedback, struct wl_output *output) { }

static void presented(void *data, struct wp_presentation_feedback *feedback, uint32_t hi, uint32_t lo, uint32_t ns, uint32_t refresh, uint32_t seq_hi,
	uint32_t seq_lo, uint32_t flags)
{
	wp_presentation_feedback_destroy(feedback);
}

static void discarded(void *data, struct wp_presentation_feedback *feedback)
{
	pending--;
	wp_presentation_feedback_destroy(feedback);
}
static const struct wp_presentation_feedback_listener feedback_listener = { sync_output, presented, discarded };

static int64_t now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int client(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	if (fork() == 0) {
		close(pair[0]);
		_exit(sink(pair[1]));
	}
	close(pair[1]);
	struct wl_display *display = wl_display_connect_to_fd(pair[0]);
	struct wl_registry *registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	wl_display_roundtrip(display);
	int file = memfd_create("pixels", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, POOL_BYTES) < 0)
		die("memfd");
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, file, POOL_BYTES);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, SIDE, SIDE, SIDE * 4, WL_SHM_FORMAT_XRGB8888);
	struct wl_surface *surface = wl_compositor_create_surface(compositor);
	wl_display_roundtrip(display);

	char line[64], mode[8];
	while (fgets(line, sizeof line, stdin)) {
		int flushes, frames;
		if (sscanf(line, "%7s %d %d", mode, &flushes, &frames) != 3)
			return 2;
		clockid_t clock = !strcmp(mode, "cpu") ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
		int64_t *times = calloc((size_t)flushes, sizeof *times);
		for (int i = 0; i < flushes; i++) {
			int64_t start = now(clock);
			for (int k = 0; k < frames; k++) {
				wl_surface_attach(surface, buffer, 0, 0);
				wl_surface_damage_buffer(surface, i & 15, 3, 8, 8);
				wl_callback_add_listener(wl_surface_frame(surface), &frame_listener, NULL);
				wp_presentation_feedback_add_listener(wp_presentation_feedback(presentation, surface), &feedback_listener, NULL);
				wl_surface_commit(surface);
			}
			if (wl_display_flush(display) < 0)
				die("flush");
			times[i] = now(clock) - start;
			pending = 2 * frames;
			while (pending > 0)
				if (wl_display_dispatch(display) < 0)
					die("dispatch");
		}
		qsort(times, (size_t)flushes, sizeof *times, by_value);
		printf("%lld\n", (long long)times[flushes / 2]);
		fflush(stdout);
		free(times);
	}
	return 0;
}

int main(int count, char **arguments)
{
	if (count == 2 && !strcmp(arguments[1], "sink"))
		return sink(3);
	if (count == 2 && !strcmp(arguments[1], "client"))
		return client();
	fprintf(stderr, "usage: wire-bench sink|client\n");
	return 2;
}
