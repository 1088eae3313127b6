import assert from "node:assert/strict";
import { test } from "node:test";

import { socketAddress } from "../src/address.js";
import { afterHint, backoff, retryHint } from "../src/backoff.js";
import { afterClose } from "../src/closing.js";
import { read, written } from "../src/frames.js";
import { settled } from "../src/options.js";
import { timeLeft, timesOf } from "../src/token.js";
import { tokenUntil } from "./fake_socket.js";

const BOUNDS = { minMs: 1000, maxMs: 30_000 };

test("a pause is anything up to a bound that doubles", () => {
  const longest = (failures) => backoff(failures, BOUNDS, () => 1);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 1000].map(longest), [
    ...[1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
  ]);
  assert.equal(backoff(5, BOUNDS, () => 0), 0);
  const pauses = Array.from({ length: 1000 }, () => backoff(4, BOUNDS));
  assert.ok(pauses.every((pause) => pause >= 0 && pause <= 16_000));
  assert.ok(Math.max(...pauses) > 12_000 && Math.min(...pauses) < 4000);
});

test("a hint is read as the gateway writes it, and never shortened", () => {
  assert.equal(retryHint("retry=1500"), 1500);
  assert.equal(retryHint("retry=0"), 0);
  assert.equal(retryHint("retry=999999999"), 600_000);
  for (const other of ["", "retry=", "retry=-1", "retry=1.5", "Retry=1", "retry=1 ", "retry=1e99"]) {
    assert.equal(retryHint(other), null, other);
  }
  assert.equal(afterHint(1000, () => 0), 1000);
  assert.equal(afterHint(1000, () => 1), 1100);
});

test("every code has a consequence", () => {
  const of = (...codes) => codes.map((code) => afterClose(code));
  assert.deepEqual(of(1001, 1005, 1006, 1011, 1012, 1013, 4008), Array(7).fill("retry"));
  assert.deepEqual(of(1000, 1002, 1003, 1007, 1009, 4403), Array(6).fill("stop"));
  assert.deepEqual(of(1008, 4401, 4000), ["later", "token", "retry"]);
  assert.deepEqual([afterClose(4403, []), afterClose(4000, [4000])], ["retry", "stop"]);
});

test("an address is that of a WebSocket", () => {
  for (const [given, url] of [
    ["ws://host/ws", "ws://host/ws"],
    ["https://host:8443/ws?a=b#c", "wss://host:8443/ws?a=b"],
    [new URL("http://host"), "ws://host/"],
  ]) {
    assert.equal(socketAddress(given).href, url);
  }
  assert.throws(() => socketAddress("ftp://host"), /must begin with ws:\/\/ or wss:\/\/, found ftp/);
  assert.throws(() => socketAddress("/ws"), /the address is no URL/); // there is no page here
});

test("a token tells when it ends, or nothing", () => {
  assert.deepEqual(timesOf(tokenUntil(9000, { iat: 1 })), { issued: 1000, ends: 9000 });
  assert.equal(timesOf(tokenUntil(5000, { name: "Zoë >?ÿ" })).ends, 5000);
  const others = ["", "a", "a.b", "a.!.c", "..", ...["[]", "null", '{"exp":"1"}'].map((text) => `.${btoa(text)}.`)];
  for (const other of others) {
    assert.deepEqual(timesOf(other), { issued: null, ends: null }, other);
    assert.equal(timeLeft(other, 0), null);
  }
});

test("a clock that cannot be right does not count", () => {
  const token = tokenUntil(9000, { iat: 1 });
  assert.equal(timeLeft(token, 3000), 6000);
  assert.equal(timeLeft(token, 100_000), 8000);
  assert.equal(timeLeft(token, 0), 8000);
  assert.equal(timeLeft(tokenUntil(9000), 100_000), 0);
});

test("frames say what they are", () => {
  assert.deepEqual(read('{"type":"event","payload":{"n":1}}'), { kind: "event", payload: { n: 1 } });
  assert.deepEqual(read('{"type":"event","payload":null}'), { kind: "event", payload: null });
  assert.deepEqual(read('{"type":"pong"}'), { kind: "pong" });
  assert.deepEqual(read('{"type":"rate_limited"}'), { kind: "rate_limited" });
  assert.deepEqual(read('{"type":"heartbeat_ack"}'), {
    ...{ kind: "message", message: { type: "heartbeat_ack" } },
  });
  assert.deepEqual(read("null"), { kind: "message", message: null });
  assert.throws(() => read("{"), /is this a gateway's address/);
});

test("a message is text, or becomes it", () => {
  assert.equal(written("as it is", 100), "as it is");
  assert.equal(written({ say: "hi" }, 100), '{"say":"hi"}');
  assert.equal(written(null, 4), "null");
  for (const nothing of [undefined, () => 1, Symbol("s")]) {
    assert.throws(() => written(nothing, 100), /JSON cannot say a/);
  }
  for (const binary of [new ArrayBuffer(1), new Uint8Array(1), Buffer.from("a")]) {
    assert.throws(() => written(binary, 100), /takes text alone/);
  }
});

test("a message that the gateway would close for is not sent", () => {
  assert.equal(written("€".repeat(10), 30).length, 10);
  assert.throws(() => written("€".repeat(11), 30), /a message of 33 bytes, and the gateway takes 30/);
  assert.throws(() => written({ text: "a".repeat(30) }, 30), RangeError);
});

test("an option that is wrong is named", () => {
  for (const [options, told] of [
    [{ retries: 3 }, /no option "retries"/],
    [{ tokenIn: "header" }, /tokenIn must be "query" or "protocol"/],
    [{ token: 7 }, /token must be a text that is not empty, or a function/],
    [{ pingMs: -1 }, /pingMs must be a number, 0 or more/],
    [{ refresh: true, token: "fixed" }, /refresh needs a function as token/],
    [{ token: () => null, refresh: { before: 1 } }, /no part of refresh "before"; there are beforeSeconds/],
    [{ reconnect: "yes" }, /reconnect must be true or false, found string/],
    [{ stayAway: 4403 }, /stayAway must be an array/],
    [{ backoff: { minMs: 10, maxMs: 5 } }, /backoff\.maxMs must be at least backoff\.minMs, 10/],
    [{ queue: "10" }, /queue must be a number/],
    [{ connectMs: 0 }, /connectMs must be a number, 1 or more/],
    [{ backoff: { maxMs: NaN } }, /backoff\.maxMs must be a number/],
    [{ token: () => null, refresh: { beforeSeconds: -1 } }, /refresh\.beforeSeconds must be a number/],
  ]) {
    assert.throws(() => settled({ WebSocket: class {}, ...options }), told);
  }
});

test("without a WebSocket it says what to do", () => {
  const { WebSocket } = globalThis;
  try {
    delete globalThis.WebSocket;
    assert.throws(() => settled({}), /use Node 22, or give one as option WebSocket/);
  } finally {
    if (WebSocket) globalThis.WebSocket = WebSocket;
  }
});
