/* SPDX-License-Identifier: MIT
 *
 * Draws a moving bar into shared memory and shows it through the link (docs/link.md): two pictures in sealed memfds, a frame each time the last one was latched
 * and the other picture is free.
 *
 *   cc -O2 -Wall -Wextra -o link-source link-source.c
 *   guest-surfaces attach link /tmp/pictures.link                    (in another terminal)
 *   ./link-source /tmp/pictures.link [frames]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 360, STRIDE = WIDTH * 4, BYTES = STRIDE * HEIGHT, PACKET = 16384 };
enum { HELLO = 0x0001, STORAGE_ADD = 0x0010, VIEW_ADD = 0x0012, SURFACE = 0x0020, FRAME = 0x0022, REPLAYED = 0x0032 };
enum { VIEWER_HELLO = 0x8001, VIEWER_BYE = 0x8002, LATCHED = 0x8020, SUPERSEDED = 0x8021, RELEASED = 0x8022 };

static uint8_t packet[PACKET];
static size_t length, begun;
static int fds[28], fd_count;

static void die(const char *doing) { perror(doing); exit(1); }
static void put(const void *bytes, size_t n) { memcpy(packet + length, bytes, n); length += n; }
static void u16(uint16_t v) { put(&v, sizeof v); } /* little-endian hosts */
static void u32(uint32_t v) { put(&v, sizeof v); }
static void u64(uint64_t v) { put(&v, sizeof v); }

static void text(const char *s)
{
    static const uint8_t zeroes[8];
    size_t n = strlen(s);
    u16((uint16_t)n);
    put(s, n);
    put(zeroes, -(n + 2) & 7);
}

static void begin(uint16_t opcode, uint32_t id) { begun = length; u16(opcode); u16(0); u32(id); }
static void end(void) { uint16_t size = (uint16_t)(length - begun); memcpy(packet + begun + 2, &size, sizeof size); }

static void send_packet(int socket)
{
    union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof fds)]; } control;
    struct iovec iov = { packet, length };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        die("sending");
    length = 0;
    fd_count = 0;
}

static uint32_t *announce(uint32_t id) /* one storage, and one view of all of it */
{
    int fd = memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, BYTES) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        die("making a picture");
    uint32_t *pixels = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pixels == MAP_FAILED)
        die("mapping a picture");
    begin(STORAGE_ADD, id); u32(2 | 1 << 8); u32(0); end(); /* a memfd, one plane */
    fds[fd_count++] = fd;
    begin(VIEW_ADD, id);
    u32(id); u32(WIDTH); u32(HEIGHT); u32(0x34325258 /* XR24 */); u64(0 /* LINEAR */); u32(1); u32(0);
    for (int plane = 0; plane < 4; plane++) { u32(0); u32(0); u32(plane ? 0 : STRIDE); u32(0); }
    end();
    return pixels;
}

static void draw(uint32_t *pixels, uint64_t frame)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            pixels[y * WIDTH + x] = (uint64_t)x / 16 == frame % (WIDTH / 16) ? 0xffffff : (uint32_t)(y * 255 / HEIGHT);
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (argc < 2 || strlen(argv[1]) >= sizeof address.sun_path)
        return fprintf(stderr, "usage: %s SOCKET [FRAMES]\n", argv[0]), 2;
    strcpy(address.sun_path, argv[1]);
    uint64_t frames = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX;
    int link = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (link < 0 || connect(link, (struct sockaddr *)&address, sizeof address) < 0)
        die(argv[1]);

    begin(HELLO, 0); u32(0x4b4c5347); u16(1); u16(1); u32(0); u32(0); text("bar in C"); end();
    send_packet(link);

    uint32_t *pictures[2] = { NULL, NULL }, locks[2] = { 0, 0 };
    uint64_t drawn = 0, answered = 0;
    while (answered < frames || locks[0] > 0) {
        static uint8_t in[PACKET];
        ssize_t n = recv(link, in, sizeof in, 0);
        if (n <= 0)
            return n < 0 || answered < frames;
        for (ssize_t at = 0; at + 8 <= n;) {
            uint16_t opcode, size;
            uint32_t id, count;
            uint64_t serial;
            memcpy(&opcode, in + at, 2);
            memcpy(&size, in + at + 2, 2);
            memcpy(&id, in + at + 4, 4);
            if (size < 8 || at + size > n)
                return 1;
            memcpy(&count, in + at + 8, size >= 16 ? 4 : 0);
            memcpy(&serial, in + at + 8, size >= 16 ? 8 : 0);
            if (opcode == VIEWER_HELLO) {
                for (uint32_t i = 0; i < 2; i++)
                    pictures[i] = announce(i + 1);
                begin(SURFACE, 0); u32(1); u32(UINT32_MAX); u32(0); u32(0); text("bar in C"); end();
                begin(REPLAYED, 0); end();
            } else if ((opcode == LATCHED || opcode == SUPERSEDED) && size >= 16) {
                answered = serial;
            } else if (opcode == RELEASED && size >= 16 && (id == 1 || id == 2)) {
                locks[id - 1] -= count;
            } else if (opcode == VIEWER_BYE) {
                return fprintf(stderr, "the viewer leaves: %.*s\n", size > 18 ? size - 18 : 0, in + at + 18), 1;
            }
            at += size;
        }
        uint32_t next = drawn % 2;
        if (pictures[next] && answered == drawn && drawn < frames && locks[next] == 0) {
            draw(pictures[next], drawn++);
            locks[next]++;
            begin(FRAME, 0);
            u32(next + 1); u32(4 /* waits for the answer */); u32(0); u32(0); u32(WIDTH); u32(HEIGHT);
            u64(drawn); u64(0); u64(0); u32(1); u32(0); u32(0); u32(0); u32(WIDTH); u32(HEIGHT); /* all of it damaged */
            end();
        }
        if (length > 0)
            send_packet(link);
    }
    return 0;
}
