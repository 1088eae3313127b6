/* What the parts of the C peer share. */
#include <stddef.h>
#include <stdint.h>

#define ACCEPT 28               /* characters of a Sec-WebSocket-Accept */

/* accept.c */
void accept_of(const char *key, size_t len, char accept[ACCEPT + 1]);
