/* A WebSocket server in C, as small as it can be: one epoll, one send() for each socket and publication.
 *
 * usage: server PORT. `GET` at any path opens a WebSocket, `POST` at any path publishes: it takes what
 * the gateway's endpoint takes, and answers what that answers. It knows no fragments, no compression,
 * no limits but one on what a connection may have unread or unsent. */
#define _GNU_SOURCE
#include "server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT (4u << 20)        /* bytes of one connection that may be unread or unsent */

static const char BEFORE[] = "{\"type\":\"event\",\"payload\":", PAYLOAD[] = "\"payload\":";
static const char PONG[] = "{\"type\":\"pong\"}";

struct kept { char *data; size_t len; };

struct conn {
	int fd;
	unsigned place;             /* among the clients, of a WebSocket */
	bool websocket, closing;
	struct kept in, out;        /* what is incomplete, what did not fit; mostly nothing */
	struct conn *next;          /* of the dead */
};

static int ep;
static struct conn **clients, *dead;
static unsigned client_count, client_room;
static char buffer[1 << 18];

static _Noreturn void die(const char *what) {
	perror(what);
	exit(1);
}

static void watch(struct conn *c, int op, uint32_t events) {
	struct epoll_event e = { .events = events, .data.ptr = c };
	if (epoll_ctl(ep, op, c->fd, &e)) die("epoll_ctl");
}

static bool keep(struct kept *k, const char *data, size_t len) {
	if (k->len + len > LIMIT) return false;
	if (!(k->data = realloc(k->data, k->len + len))) die("realloc");
	memcpy(k->data + k->len, data, len);
	k->len += len;
	return true;
}

static void drop(struct kept *k) {
	free(k->data);
	*k = (struct kept){ 0 };
}

/* Close a connection; it is freed when no event can name it any more. */
static void hang_up(struct conn *c) {
	if (c->fd < 0) return;
	if (c->websocket) {
		clients[c->place] = clients[--client_count];
		clients[c->place]->place = c->place;
	}
	close(c->fd);
	c->fd = -1;
	drop(&c->in);
	drop(&c->out);
	c->next = dead;
	dead = c;
}

static void transmit(struct conn *c, const char *data, size_t len) {
	ssize_t sent = 0;
	if (!c->out.len) {
		sent = send(c->fd, data, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN) { hang_up(c); return; }
		if (sent < 0) sent = 0;
		if ((size_t)sent == len) return;
		watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	}
	if (!keep(&c->out, data + sent, len - (size_t)sent)) hang_up(c);
}

static void on_writable(struct conn *c) {
	struct kept rest = c->out;
	c->out = (struct kept){ 0 };
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	if (rest.len) transmit(c, rest.data, rest.len);
	free(rest.data);
	if (c->closing && !c->out.len) hang_up(c);
}

/* --- frames ------------------------------------------------------------------------------------- */

static size_t head_of(uint8_t *head, uint8_t opcode, size_t len) {
	head[0] = 0x80 | opcode;
	if (len < 126) { head[1] = (uint8_t)len; return 2; }
	if (len < 1 << 16) { head[1] = 126; head[2] = (uint8_t)(len >> 8); head[3] = (uint8_t)len; return 4; }
	head[1] = 127;
	for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)(len >> (56 - 8 * i));
	return 10;
}

static void send_frame(struct conn *c, uint8_t opcode, const char *payload, size_t len) {
	char frame[10 + 128];
	if (len > 128) return; /* replies are short */
	size_t head = head_of((uint8_t *)frame, opcode, len);
	memcpy(frame + head, payload, len);
	transmit(c, frame, head + len);
}

static void on_frame(struct conn *c, uint8_t opcode, char *payload, size_t len) {
	if (opcode == 8) {
		send_frame(c, 8, payload, len);
		c->closing = true;
		if (c->fd >= 0 && !c->out.len) hang_up(c);
	} else if (opcode == 9) send_frame(c, 10, payload, len);
	else if (opcode == 1 && memmem(payload, len, "\"ping\"", 6)) send_frame(c, 1, PONG, sizeof PONG - 1);
}

/* Returns how many bytes were complete frames. */
static size_t on_frames(struct conn *c, char *data, size_t len) {
	size_t at = 0;
	while (c->fd >= 0 && !c->closing && len - at >= 2) {
		uint8_t *head = (uint8_t *)data + at;
		uint64_t size = head[1] & 127;
		size_t need = size == 126 ? 8 : size == 127 ? 14 : 6;
		if (len - at < need) break;
		if (need > 6) {
			size = 0;
			for (size_t i = 2; i < need - 4; i++) size = size << 8 | head[i];
		}
		if (size > LIMIT || !(head[1] & 128)) { hang_up(c); break; }
		if (len - at - need < size) break;
		char *mask = data + at + need - 4, *payload = data + at + need;
		for (size_t i = 0; i < size; i++) payload[i] ^= mask[i % 4];
		on_frame(c, head[0] & 15, payload, size);
		at += need + size;
	}
	return at;
}

/* --- requests ----------------------------------------------------------------------------------- */

static void open_websocket(struct conn *c, const char *head, size_t len) {
	static const char name[] = "\r\nsec-websocket-key:";
	char answer[256], accept[ACCEPT + 1], text[4096];
	if (len >= sizeof text) { hang_up(c); return; }
	memcpy(text, head, len);
	text[len] = 0;
	char *key = strcasestr(text, name);
	if (!key) { hang_up(c); return; }
	key += sizeof name - 1;
	key += strspn(key, " ");
	accept_of(key, strcspn(key, " \r\n"), accept);
	int size = snprintf(answer, sizeof answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
	if (client_count == client_room) {
		client_room = client_room ? 2 * client_room : 1024;
		if (!(clients = realloc(clients, client_room * sizeof *clients))) die("realloc");
	}
	c->websocket = true;
	c->place = client_count;
	clients[client_count++] = c;
	transmit(c, answer, (size_t)size);
}

/* Send `payload` to everybody in a frame that is built once; returns how many that are. */
static unsigned broadcast(const char *payload, size_t len) {
	size_t text = sizeof BEFORE - 1 + len + 1;
	char *frame = malloc(10 + text);
	if (!frame) die("malloc");
	size_t size = head_of((uint8_t *)frame, 1, text);
	memcpy(frame + size, BEFORE, sizeof BEFORE - 1);
	size += sizeof BEFORE - 1;
	memcpy(frame + size, payload, len);
	size += len;
	frame[size++] = '}';
	unsigned everybody = client_count;
	for (unsigned i = client_count; i-- > 0;) transmit(clients[i], frame, size);
	free(frame);
	return everybody;
}

static void publish(struct conn *c, const char *body, size_t len) {
	char answer[128], sent[32];
	const char *payload = memmem(body, len, PAYLOAD, sizeof PAYLOAD - 1);
	if (!payload || body[len - 1] != '}') { hang_up(c); return; }
	payload += sizeof PAYLOAD - 1;
	unsigned count = broadcast(payload, (size_t)(body + len - 1 - payload));
	int digits = snprintf(sent, sizeof sent, "{\"sent\":%u}", count);
	int size = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", digits, sent);
	transmit(c, answer, (size_t)size);
}

/* Returns how many bytes were a complete request. */
static size_t on_request(struct conn *c, const char *data, size_t len) {
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	if (!end) return 0;
	size_t head = (size_t)(end - data) + 4, length = 0;
	if (!memcmp(data, "GET ", 4)) { open_websocket(c, data, head); return head; }
	for (const char *line = data; line < end; line = (const char *)memchr(line, '\n', len) + 1)
		if (!strncasecmp(line, "content-length:", 15)) length = strtoul(line + 15, NULL, 10);
	if (length > LIMIT) { hang_up(c); return 0; }
	if (len - head < length) return 0;
	publish(c, data + head, length);
	return head + length;
}

/* --- sockets ------------------------------------------------------------------------------------ */

static void on_readable(struct conn *c) {
	ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n <= 0) { hang_up(c); return; }
	char *data = buffer;
	size_t len = (size_t)n, used = 0, step;
	struct kept all = c->in;
	if (all.len) {
		c->in = (struct kept){ 0 };
		if (!keep(&all, buffer, len)) { free(all.data); hang_up(c); return; }
		data = all.data;
		len = all.len;
	}
	do {
		step = c->websocket ? on_frames(c, data + used, len - used) : on_request(c, data + used, len - used);
		used += step;
	} while (step && used < len && c->fd >= 0 && !c->closing);
	if (c->fd >= 0 && !c->closing && used < len && !keep(&c->in, data + used, len - used)) hang_up(c);
	free(all.data);
}

static void on_connections(int listener) {
	int on = 1, fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof *c);
		if (!c) die("calloc");
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		watch(c, EPOLL_CTL_ADD, EPOLLIN);
	}
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) die("accept4");
}

static int listening(int port) {
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0) die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) die("listen");
	return fd;
}

int main(int argc, char **argv) {
	static struct epoll_event events[512];
	if (argc != 2) { fprintf(stderr, "usage: server PORT\n"); return 2; }
	struct conn listener = { .fd = listening(atoi(argv[1])) };
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
	watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	for (;;) {
		int n = epoll_wait(ep, events, 512, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == &listener) { on_connections(c->fd); continue; }
			if (c->fd >= 0 && events[i].events & EPOLLOUT) on_writable(c);
			if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
		}
		while (dead) {
			struct conn *gone = dead;
			dead = gone->next;
			free(gone);
		}
	}
}
