/* A WebSocket load generator: thousands of connections on one epoll, nothing allocated per message.
 *
 * It knows no server: what it sends are bytes that the caller prepared (upgrade requests, a
 * publication, bursts of masked frames), what it receives are frames, counted by their heads.
 * It prints one line of JSON. `fallback.py` takes the same options and prints the same line. */
#include "loadgen.h"

struct options opt = { .replies = 1, .window = 1, .seconds = 1, .stamp = -1,
                       .welcome = "", .counted = "", .sent = "\"sent\":" };
struct conn *conns;

static unsigned total;          /* connections of `conns` that are in use */
static long rss_before, rss_after;
static uint64_t parts;         /* complete since then, as `at_boundary` counts */
static struct snapshot { uint64_t wall, server, client, count, publications; } began, ended;

/* --- measuring ---------------------------------------------------------------------------------- */

static uint64_t done(void) {
	return opt.publish.len ? seen.delivered : opt.burst.len ? seen.replied : seen.shaken;
}

static void take(struct snapshot *s) {
	s->server = cpu_of_server();
	s->wall = now();
	s->client = own_cpu();
	s->count = done();
	s->publications = seen.published;
}

/* Whether another publication has just arrived everywhere, or another reply or handshake is complete;
 * while measuring: as many publications as are on their way at a time, because a server that queues
 * does the work for all of them at other times than it sends. Always, where they reach nobody. */
static bool at_boundary(void) {
	uint64_t whole = !opt.publish.len ? 1 : measuring ? (uint64_t)opt.connections * opt.window : opt.connections;
	if (!whole) return true;
	uint64_t complete = (done() - began.count) / whole;
	bool another = complete > parts;
	parts = complete;
	return another;
}

/* One turn of a run that is measured from `warmup` on for `seconds`, or little longer. */
static void step(uint64_t start, int timeout_ms) {
	turn(timeout_ms < 100 ? timeout_ms : 100);
	double elapsed = (double)(now() - start) / 1e9;
	if (!at_boundary() && elapsed < opt.warmup + opt.seconds + PATIENCE) return;
	if (!began.wall && elapsed >= opt.warmup) {
		take(&began);
		parts = 0;
		measuring = true;
	} else if (measuring && now() - began.wall >= (uint64_t)(opt.seconds * 1e9)) {
		take(&ended);
		measuring = running = false;
	}
}

static void rest(double seconds) {
	for (uint64_t end = now() + (uint64_t)(seconds * 1e9); now() < end;) turn(20);
}

static bool patient(uint64_t since) {
	return !seen.lost && now() - since < PATIENCE * SECOND;
}

/* --- the runs ----------------------------------------------------------------------------------- */

static void open_until(unsigned count) {
	uint64_t since = now();
	unsigned dialled = total, before = seen.opened;
	for (total = count; seen.open < count && patient(since);) {
		while (dialled < count && dialled - seen.open < OPENING) dial(&conns[dialled++], opt.port);
		turn(100);
		if (seen.opened == before) continue;
		before = seen.opened;
		since = now();
	}
	if (seen.open == count) return;
	fprintf(stderr, "loadgen: only %u of %u connections were opened\n", seen.open, count);
	exit(1);
}

struct publisher { struct conn *conn; char *request, *stamp; };

static struct publisher *open_publishers(unsigned count) {
	struct publisher *all = calloc(count, sizeof *all);
	for (unsigned i = 0; i < count; i++) {
		struct publisher *p = &all[i];
		p->request = malloc(opt.publish.len + 1);
		memcpy(p->request, opt.publish.data, opt.publish.len + 1);
		p->stamp = strstr(p->request, "@@@@@@@@@@@@@@@@@@@");
		p->conn = &conns[total++];
		p->conn->answer = malloc(ROOM);
		dial(p->conn, opt.publish_port);
		while (p->conn->state == CONNECTING) turn(100);
	}
	return all;
}

static void publish(struct publisher *p, uint64_t at) {
	char digits[STAMP + 1];
	snprintf(digits, sizeof digits, "%0*" PRIu64, STAMP, at);
	if (p->stamp) memcpy(p->stamp, digits, STAMP);
	p->conn->busy = true;
	seen.published++;
	transmit(p->conn, p->request, opt.publish.len);
}

static bool free_to_publish(const struct publisher *p) {
	return !p->conn->busy && p->conn->state == OPEN && !p->conn->out_left;
}

/* Keep `window` publications on their way: a place is free again once as many deliveries as one
 * publication causes have arrived. */
static int fill_window(struct publisher *all) {
	for (unsigned i = 0; i < opt.window; i++) {
		uint64_t finished = seen.published < opt.window ? 0 : seen.published - opt.window + 1;
		if (seen.delivered < finished * opt.connections) break;
		if (free_to_publish(&all[i])) publish(&all[i], now());
	}
	return 100;
}

/* Publish at `rate`, stamped with the time when it was due; returns milliseconds until the next. */
static int keep_rate(struct publisher *all, uint64_t *due) {
	for (unsigned i = 0; i < RATE_PUBLISHERS && now() >= *due; i++) {
		if (!free_to_publish(&all[i])) continue;
		publish(&all[i], *due);
		*due += (uint64_t)(SECOND / opt.rate);
	}
	uint64_t at = now();
	return at >= *due ? 1 : (int)((*due - at) / 1000000); /* the last part of a millisecond is spun */
}

static void run_fanout(void) {
	open_until(opt.connections);
	struct publisher *all = open_publishers(opt.rate > 0 ? RATE_PUBLISHERS : opt.window);
	uint64_t start = now(), due = start;
	for (running = true; running && !seen.lost;)
		step(start, opt.rate > 0 ? keep_rate(all, &due) : fill_window(all));
	for (uint64_t since = now(); patient(since);) {
		if (seen.delivered >= seen.published * opt.connections && seen.answered >= seen.published) break;
		turn(50);
	}
}

static void run_inbound(void) {
	open_until(opt.connections);
	uint64_t start = now();
	running = true;
	for (unsigned i = 0; i < opt.connections; i++) talk(&conns[i]);
	while (running && !seen.lost) step(start, 100);
	for (uint64_t since = now(); seen.replied < seen.bursts * opt.replies && patient(since);) turn(50);
}

static void run_handshake(void) {
	total = opt.connections;
	running = true;
	for (uint64_t start = now(); running;) {
		for (unsigned i = 0; i < total; i++)
			if (conns[i].state == IDLE) dial(&conns[i], opt.port);
		step(start, 100);
	}
}

static void run_idle(void) {
	open_until(opt.warm);
	rest(opt.settle);
	rss_before = resident_kib();
	take(&began);
	open_until(opt.warm + opt.connections);
	rest(opt.settle);
	take(&ended);
	rss_after = resident_kib();
}

static void close_all(void) {
	bool left = true;
	for (unsigned i = 0; i < total; i++) {
		struct conn *c = &conns[i];
		if (c->state == OPEN && !c->answer) say_goodbye(c);
		else if (c->state != IDLE && c->state != CLOSING) { c->state = CLOSING; hang_up(c); }
		if (i % 64 == 0) turn(0);
	}
	for (uint64_t since = now(); left && now() - since < PATIENCE * SECOND;) {
		left = false;
		for (unsigned i = 0; i < total && !left; i++) left = conns[i].state != IDLE;
		if (left) turn(20);
	}
}

/* --- options and the report --------------------------------------------------------------------- */

static struct bytes slurp(const char *path) {
	FILE *f = fopen(path, "rb");
	if (!f) die(path);
	fseek(f, 0, SEEK_END);
	struct bytes b = { .len = (size_t)ftell(f) };
	rewind(f);
	b.data = calloc(1, b.len + 1);
	if (fread(b.data, 1, b.len, f) != b.len) die(path);
	fclose(f);
	return b;
}

static void processes(const char *list) {
	for (int i = 0; i < PROCESSES && *list; i++) {
		opt.pids[i] = atoi(list);
		list += strcspn(list, ",");
		list += *list == ',';
	}
}

static const char *prefix(const char *text) {
	if (strlen(text) > PREFIX) { fprintf(stderr, "loadgen: %s is too long\n", text); exit(2); }
	return text;
}

static void option(const char *name, const char *value) {
	if (!strcmp(name, "--port")) opt.port = atoi(value);
	else if (!strcmp(name, "--publish-port")) opt.publish_port = atoi(value);
	else if (!strcmp(name, "--pids")) processes(value);
	else if (!strcmp(name, "--connections")) opt.connections = (unsigned)atoi(value);
	else if (!strcmp(name, "--window")) opt.window = (unsigned)atoi(value);
	else if (!strcmp(name, "--replies")) opt.replies = (unsigned)atoi(value);
	else if (!strcmp(name, "--warm")) opt.warm = (unsigned)atoi(value);
	else if (!strcmp(name, "--rate")) opt.rate = atof(value);
	else if (!strcmp(name, "--seconds")) opt.seconds = atof(value);
	else if (!strcmp(name, "--warmup")) opt.warmup = atof(value);
	else if (!strcmp(name, "--settle")) opt.settle = atof(value);
	else if (!strcmp(name, "--stamp")) opt.stamp = atol(value);
	else if (!strcmp(name, "--upgrades")) opt.upgrades = slurp(value);
	else if (!strcmp(name, "--publish")) opt.publish = slurp(value);
	else if (!strcmp(name, "--burst")) opt.burst = slurp(value);
	else if (!strcmp(name, "--greeting")) opt.greeting = slurp(value);
	else if (!strcmp(name, "--welcome")) opt.welcome = prefix(value);
	else if (!strcmp(name, "--counted")) opt.counted = prefix(value);
	else if (!strcmp(name, "--sent")) opt.sent = value;
	else { fprintf(stderr, "loadgen: no option %s\n", name); exit(2); }
}

static void report(unsigned lost) {
	printf("{\"seconds\":%.9f,\"server_cpu\":%.9f,\"client_cpu\":%.9f", (double)(ended.wall - began.wall) / 1e9,
	       (double)(ended.server - began.server) / 1e9, (double)(ended.client - began.client) / 1e9);
	printf(",\"count\":%" PRIu64 ",\"publications\":%" PRIu64, ended.count - began.count, ended.publications - began.publications);
	printf(",\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"samples\":%" PRIu64, quantile(.5), quantile(.99), samples());
	printf(",\"published\":%" PRIu64 ",\"answered\":%" PRIu64, seen.published, seen.answered);
	printf(",\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64, seen.sent, seen.delivered);
	printf(",\"payload_bytes\":%" PRIu64, seen.payload);
	printf(",\"bursts\":%" PRIu64 ",\"replied\":%" PRIu64, seen.bursts, seen.replied);
	printf(",\"opened\":%u,\"lost\":%u", seen.opened, lost);
	printf(",\"rss_before_kib\":%ld,\"rss_after_kib\":%ld}\n", rss_before, rss_after);
}

int main(int argc, char **argv) {
	if (argc < 2 || argc % 2) { fprintf(stderr, "usage: loadgen MODE [--option value]...\n"); return 2; }
	opt.mode = argv[1];
	for (int i = 2; i + 1 < argc; i += 2) option(argv[i], argv[i + 1]);
	conns = calloc(opt.connections + opt.warm + opt.window + RATE_PUBLISHERS, sizeof *conns);
	sockets_start();
	if (!strcmp(opt.mode, "fanout")) run_fanout();
	else if (!strcmp(opt.mode, "inbound")) run_inbound();
	else if (!strcmp(opt.mode, "handshake")) run_handshake();
	else if (!strcmp(opt.mode, "idle")) run_idle();
	else { fprintf(stderr, "loadgen: no mode %s\n", opt.mode); return 2; }
	unsigned lost = seen.lost;
	close_all();
	report(lost);
	return 0;
}
