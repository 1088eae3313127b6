/* Clocks, the operating system's accounting, and latencies in buckets. */
#include "loadgen.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

static uint64_t ns(clockid_t clock) {
	struct timespec t;
	if (clock_gettime(clock, &t)) return 0;
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

uint64_t now(void) { return ns(CLOCK_MONOTONIC); }

uint64_t own_cpu(void) { return ns(CLOCK_PROCESS_CPUTIME_ID); }

/* The CPU time of the server's processes, user and system, all threads: the kernel's own clocks of them. */
uint64_t cpu_of_server(void) {
	uint64_t all = 0;
	for (int i = 0; i < PROCESSES && opt.pids[i]; i++) all += ns((clockid_t)((~(unsigned)opt.pids[i] << 3) | 2));
	return all;
}

static long resident_pages(int pid) {
	char path[64];
	long size = 0, pages = 0;
	snprintf(path, sizeof path, "/proc/%d/statm", pid);
	FILE *f = fopen(path, "r");
	if (!f) return 0;
	if (fscanf(f, "%ld %ld", &size, &pages) != 2) pages = 0;
	fclose(f);
	return pages;
}

long resident_kib(void) {
	long pages = 0;
	for (int i = 0; i < PROCESSES && opt.pids[i]; i++) pages += resident_pages(opt.pids[i]);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

_Noreturn void die(const char *what) {
	fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- latencies: buckets 1/32 apart, 2^5 to 2^45 ns ---------------------------------------------- */

static uint64_t histogram[46 * 32], recorded, slowest;

uint64_t samples(void) { return recorded; }

void record(uint64_t began, uint64_t ended) {
	uint64_t value = ended > began ? ended - began : 0;
	if (value < 32) value = 32;
	unsigned power = 63 - (unsigned)__builtin_clzll(value);
	if (power > 45) power = 45;
	histogram[power * 32 + ((value >> (power - 5)) & 31)]++;
	recorded++;
	if (value > slowest) slowest = value;
}

double quantile(double q) { /* milliseconds */
	uint64_t want = (uint64_t)((double)recorded * q), below = 0;
	for (unsigned i = 0; i < sizeof histogram / sizeof *histogram; i++) {
		below += histogram[i];
		if (histogram[i] && below > want) {
			unsigned power = i / 32;
			return (double)((1ULL << power) + ((uint64_t)(i % 32) << (power - 5))) / 1e6;
		}
	}
	return (double)slowest / 1e6;
}

