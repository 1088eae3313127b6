/* Connections: how they begin, what they send, and what is counted of what they receive. */
#include "loadgen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOURCES 16      /* loopback addresses to connect from: each has its own ephemeral ports */

struct counters seen;
bool running, measuring;

static int ep;
static unsigned next_source, next_upgrade, upgrade_count;
static const char **upgrades;
static char buffer[1 << 18];

void sockets_start(void) {
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0) die("epoll_create1");
	upgrades = calloc(opt.upgrades.len + 1, sizeof *upgrades);
	for (size_t at = 0; at < opt.upgrades.len; at += strlen(opt.upgrades.data + at) + 1)
		upgrades[upgrade_count++] = opt.upgrades.data + at;
}

static void watch(struct conn *c, int op, bool write) {
	struct epoll_event e = { .events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = c };
	c->wants_write = write;
	if (epoll_ctl(ep, op, c->fd, &e)) die("epoll_ctl");
}

void dial(struct conn *c, int port) {
	int on = 1;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in from = { .sin_family = AF_INET };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + next_source++ % SOURCES);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) die("bind");
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect");
	c->state = CONNECTING;
	c->head_len = c->matched = 0;
	c->skip = c->answer_len = c->out_left = 0;
	c->busy = false;
	c->began = now();
	watch(c, EPOLL_CTL_ADD, true);
}

/* The connection is gone: lost, unless it was closing. */
void hang_up(struct conn *c) {
	if (c->state == OPEN && !c->answer) seen.open--;
	if (c->state != CLOSING) seen.lost++;
	close(c->fd);
	c->fd = -1;
	c->state = IDLE;
}

static void flush(struct conn *c) {
	while (c->out_left) {
		ssize_t n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EINTR) continue;
			if (errno != EAGAIN) { hang_up(c); return; }
			break;
		}
		c->out += n;
		c->out_left -= (size_t)n;
	}
	if (c->wants_write != (c->out_left > 0)) watch(c, EPOLL_CTL_MOD, c->out_left > 0);
}

void transmit(struct conn *c, const char *data, size_t len) {
	c->out = data;
	c->out_left = len;
	flush(c);
}

void say_goodbye(struct conn *c) {
	static const char bye[] = { (char)0x88, (char)0x82, 0, 0, 0, 0, 0x03, (char)0xe8 }; /* 1000 */
	if (c->state != OPEN) return;
	c->state = CLOSING;
	seen.open--;
	transmit(c, bye, sizeof bye);
}

/* --- what arrives ------------------------------------------------------------------------------- */

void talk(struct conn *c) {
	if (!running) { c->busy = false; return; }
	c->busy = true;
	c->replies = 0;
	c->began = now();
	seen.bursts++;
	transmit(c, opt.burst.data, opt.burst.len);
}

static void on_open(struct conn *c, uint64_t at) {
	c->state = OPEN;
	seen.open++;
	seen.opened++;
	if (!strcmp(opt.mode, "handshake")) {
		seen.shaken++;
		if (measuring) record(c->began, at);
		say_goodbye(c);
	}
}

/* A text of `len` bytes, of which `start` begins with the first `peeked` ones; `rest` holds those behind
 * them as far as they have arrived. */
struct text { const uint8_t *start, *rest; size_t peeked; uint64_t len, have; };

static bool begins(const struct text *t, const char *prefix) {
	size_t len = strlen(prefix);
	return len <= t->peeked && !memcmp(t->start, prefix, len);
}

static void on_delivery(const struct text *t, uint64_t at) {
	seen.delivered++;
	seen.payload += t->len;
	uint64_t place = (uint64_t)opt.stamp - t->peeked, stamp = 0;
	if (!measuring || opt.stamp < 0 || t->len < (uint64_t)opt.stamp + STAMP || t->have < place + STAMP) return;
	for (int i = 0; i < STAMP; i++) stamp = stamp * 10 + (uint64_t)(t->rest[place + (uint64_t)i] - '0');
	record(stamp, at);
}

static void on_data_frame(struct conn *c, const struct text *t, uint64_t at) {
	if (c->state == GREETING && begins(t, opt.welcome)) { on_open(c, at); return; }
	if (c->state != OPEN || !begins(t, opt.counted)) return;
	if (opt.publish.len) { on_delivery(t, at); return; }
	seen.replied++;
	if (c->busy && ++c->replies == opt.replies) {
		if (measuring) record(c->began, at);
		talk(c);
	}
}

static void on_control_frame(struct conn *c, unsigned opcode, const uint8_t *payload, uint64_t len, uint64_t have) {
	if (opcode == 9 && have == len && len < 126 && c->state == OPEN) { /* a ping wants its pong */
		uint8_t pong[6 + 125] = { 0x8a, (uint8_t)(0x80 | len) }; /* a mask of zeros */
		memcpy(pong + 6, payload, len);
		if (send(c->fd, pong, 6 + len, MSG_NOSIGNAL) < 0) { /* a full socket: the next ping will do */ }
	}
}

static size_t longer(const char *a, const char *b) {
	return strlen(a) > strlen(b) ? strlen(a) : strlen(b);
}

/* Move bytes to the head of the frame until it has `need`; returns whether it has. */
static bool head_has(struct conn *c, size_t need, const uint8_t **data, size_t *len) {
	while (*len && c->head_len < need) { c->head[c->head_len++] = *(*data)++; (*len)--; }
	return c->head_len >= need;
}

static void on_frames(struct conn *c, const uint8_t *data, size_t len, uint64_t at) {
	const size_t prefix = longer(opt.welcome, opt.counted);
	while (len) {
		if (c->skip) {
			size_t step = c->skip < len ? c->skip : len;
			c->skip -= step; data += step; len -= step;
			continue;
		}
		if (!head_has(c, 2, &data, &len)) return;
		unsigned size = c->head[1] & 127, need = size == 126 ? 4 : size == 127 ? 10 : 2;
		if (!head_has(c, need, &data, &len)) return;
		uint64_t payload = size;
		if (need > 2) {
			payload = 0;
			for (unsigned i = 2; i < need; i++) payload = payload << 8 | c->head[i];
		}
		unsigned opcode = c->head[0] & 15;
		size_t peeked = opcode >= 8 ? 0 : payload < prefix ? payload : prefix;
		if (!head_has(c, need + peeked, &data, &len)) return;
		struct text text = { .start = c->head + need, .rest = data, .peeked = peeked, .len = payload };
		bool final = c->head[0] & 128;
		c->head_len = 0;
		c->skip = payload - peeked;
		text.have = c->skip < len ? c->skip : len;
		if (opcode >= 8) on_control_frame(c, opcode, data, payload, text.have);
		else if (final) on_data_frame(c, &text, at);
		if (c->fd < 0) return;
	}
}

static void on_upgraded(struct conn *c, uint64_t at) {
	if (!opt.greeting.len) { on_open(c, at); return; }
	c->state = GREETING;
	transmit(c, opt.greeting.data, opt.greeting.len);
}

/* The answer to the upgrade: returns what follows it, or NULL while it is incomplete. */
static const uint8_t *on_answer(struct conn *c, const uint8_t *data, size_t len, uint64_t at) {
	static const char end[] = "\r\n\r\n";
	for (size_t i = 0; i < len; i++) {
		if (c->answer_len < sizeof c->status) c->status[c->answer_len++] = (char)data[i];
		c->matched = data[i] == (uint8_t)end[c->matched] ? c->matched + 1 : data[i] == '\r';
		if (c->matched < 4) continue;
		if (memcmp(c->status + 8, " 101", 4)) {
			fprintf(stderr, "loadgen: refused: %.12s\n", c->status);
			exit(1);
		}
		on_upgraded(c, at);
		return data + i + 1;
	}
	return NULL;
}

static void on_published(struct conn *c, const uint8_t *data, size_t len) {
	if (c->answer_len + len >= ROOM) { hang_up(c); return; }
	memcpy(c->answer + c->answer_len, data, len);
	c->answer_len += len;
	c->answer[c->answer_len] = 0;
	char *body = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "content-length:");
	if (!body || !length || length > body) return;
	body += 4;
	if (c->answer_len < (size_t)(body - c->answer) + strtoul(length + 15, NULL, 10)) return;
	char *count = strstr(body, opt.sent);
	if (memcmp(c->answer + 8, " 20", 3) || !count) {
		fprintf(stderr, "loadgen: publication refused: %s\n", c->answer);
		exit(1);
	}
	seen.sent += strtoul(count + strlen(opt.sent), NULL, 10);
	seen.answered++;
	c->busy = false;
	c->answer_len = 0;
	char *connection = strcasestr(c->answer, "connection: close");
	if (connection && connection < body) { /* some servers want a new connection now and then */
		close(c->fd);
		dial(c, opt.publish_port);
	}
}

static void on_readable(struct conn *c) {
	ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n <= 0) { hang_up(c); return; }
	uint64_t at = now();
	const uint8_t *data = (uint8_t *)buffer, *end = data + n;
	if (c->answer) { on_published(c, data, (size_t)n); return; }
	if (c->state == UPGRADING) data = on_answer(c, data, (size_t)n, at);
	if (data && data < end && c->fd >= 0) on_frames(c, data, (size_t)(end - data), at);
}

static void on_writable(struct conn *c) {
	if (c->state != CONNECTING) { flush(c); return; }
	int error = 0;
	socklen_t size = sizeof error;
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) { errno = error; die("connect"); }
	if (c->answer) {
		c->state = OPEN;
		watch(c, EPOLL_CTL_MOD, false);
		return;
	}
	c->state = UPGRADING;
	const char *request = upgrades[next_upgrade++ % upgrade_count];
	transmit(c, request, strlen(request));
}

void turn(int timeout_ms) {
	static struct epoll_event events[1024];
	int n = epoll_wait(ep, events, 1024, timeout_ms);
	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		if (c->fd >= 0 && events[i].events & EPOLLOUT) on_writable(c);
		if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
	}
}

