/* What the parts of the load generator share. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ULL
#define STAMP 19                /* digits of a time stamp: CLOCK_MONOTONIC in nanoseconds */
#define OPENING 64              /* handshakes in flight while connections are being opened */
#define PATIENCE 15             /* seconds that opening, draining and closing may stand still */
#define ROOM 4096               /* bytes that the answer to a publication may have */
#define PREFIX 8                /* bytes that `welcome` and `counted` may have */
#define PROCESSES 16            /* that the server may consist of */
#define RATE_PUBLISHERS 16      /* connections that publish at a rate, should answers be late */

enum state { IDLE, CONNECTING, UPGRADING, GREETING, OPEN, CLOSING };

struct conn {
	int fd;
	uint8_t state, head_len, matched;
	bool busy, wants_write;
	uint8_t head[14 + PREFIX];      /* of a frame, and how its payload begins where that matters */
	uint64_t skip;          /* payload bytes of the current frame that are still to come */
	uint64_t began;         /* when the handshake or the burst began */
	unsigned replies;       /* data frames received since the burst */
	const char *out;
	size_t out_left;
	char *answer;           /* of a publisher alone: what it has of the answer */
	char status[12];        /* of the others: how the answer to the upgrade begins */
	size_t answer_len;
};

struct bytes { char *data; size_t len; };

struct options {
	const char *mode;
	int port, publish_port;
	int pids[PROCESSES];    /* of the server; the rest are 0 */
	unsigned connections, window, replies, warm;
	double rate, seconds, warmup, settle;
	long stamp;             /* where a frame's payload holds its time stamp; -1: nowhere */
	struct bytes upgrades, publish, burst;
	struct bytes greeting;  /* sent first on a connection, which is open once `welcome` has come */
	const char *welcome, *counted;  /* how a text begins that opens, that counts */
	const char *sent;       /* what stands before the count in the answer to a publication */
};

/* What happened since the start. */
struct counters {
	unsigned open, opened, lost;
	uint64_t published, answered, sent, delivered, bursts, replied, shaken;
	uint64_t payload;       /* bytes of the texts that were delivered */
};

extern struct options opt;
extern struct counters seen;
extern struct conn *conns;
extern bool running, measuring;

/* measure.c */
uint64_t now(void);
uint64_t own_cpu(void);
uint64_t cpu_of_server(void);
long resident_kib(void);
void record(uint64_t began, uint64_t ended);
uint64_t samples(void);
double quantile(double q);
_Noreturn void die(const char *what);

/* sockets.c */
void sockets_start(void);
void dial(struct conn *c, int port);
void hang_up(struct conn *c);
void transmit(struct conn *c, const char *data, size_t len);
void say_goodbye(struct conn *c);
void talk(struct conn *c);
void turn(int timeout_ms);
