/* The answer to a Sec-WebSocket-Key: SHA-1 and base64, for messages as short as that one. */
#include "server.h"
#include <string.h>

static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static uint32_t rotated(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void sha1_block(uint32_t state[5], const uint8_t *block) {
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	for (int i = 0; i < 16; i++, block += 4)
		w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
	for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999
		           : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
		           : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
		                    : (b ^ c ^ d) + 0xca62c1d6;
		f += rotated(a, 5) + e + w[i];
		e = d; d = c; c = rotated(b, 30); b = a; a = f;
	}
	state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e;
}

static void base64(const uint8_t *from, size_t len, char *to) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)from[i] << 16;
		if (i + 1 < len) bits |= (uint32_t)from[i + 1] << 8;
		if (i + 2 < len) bits |= from[i + 2];
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*to++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	*to = 0;
}

void accept_of(const char *key, size_t len, char accept[ACCEPT + 1]) {
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t text[128] = { 0 }, digest[20];
	size_t all = len + sizeof GUID - 1, room = all + 9 > 64 ? 128 : 64;
	if (all + 9 > sizeof text) { *accept = 0; return; }
	memcpy(text, key, len);
	memcpy(text + len, GUID, sizeof GUID - 1);
	text[all] = 0x80;
	text[room - 2] = (uint8_t)(all * 8 >> 8);
	text[room - 1] = (uint8_t)(all * 8);
	for (size_t at = 0; at < room; at += 64) sha1_block(state, text + at);
	for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
	base64(digest, sizeof digest, accept);
}
