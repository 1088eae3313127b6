import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect } from "../src/index.js";
import { fakeSockets, tokenUntil, turns } from "./fake_socket.js";

const NOW = 1_700_000_000_000;

/** @type {ReturnType<typeof fakeSockets>} */
let sockets;
/** @type {import("../src/client.js").Client[]} */
let clients;

beforeEach(() => {
  sockets = fakeSockets();
  clients = [];
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOW });
  mock.method(Math, "random", () => 0.5);
});

afterEach(() => {
  clients.forEach((client) => client.close());
  delete globalThis.document;
  mock.reset();
  mock.timers.reset();
});

function client(options = {}, address = "ws://host/ws") {
  const made = connect(address, { WebSocket: sockets.FakeSocket, ...options });
  clients.push(made);
  const heard = { states: [], closes: [], errors: [], events: [] };
  made.on("state", (state) => heard.states.push(state));
  made.on("close", (closed) => heard.closes.push(closed));
  made.on("error", (error) => heard.errors.push(error.message));
  made.on("event", (payload) => heard.events.push(payload));
  return Object.assign(made, { heard });
}

async function opened(options, address) {
  const made = client(options, address);
  await turns();
  sockets.last().accept();
  assert.equal(made.state, "open");
  return made;
}

async function after(ms) {
  mock.timers.tick(ms);
  await turns();
}

test("it is open once the gateway has answered, not at the handshake", async () => {
  const made = client();
  await turns();
  sockets.last().onopen();
  assert.equal(made.state, "connecting");
  assert.deepEqual(sockets.last().sent, ['{"type":"ping"}']);
  sockets.last().hear({ type: "pong" });
  assert.deepEqual(made.heard.states, ["open"]);
});

test("without pings the handshake has to do", async () => {
  const made = client({ pingMs: 0 });
  await turns();
  sockets.last().onopen();
  assert.equal(made.state, "open");
  assert.deepEqual(sockets.last().sent, []);
});

test("the token goes into the query, beside what is there", async () => {
  client({ token: "a b&c" }, "ws://host/ws?room=7");
  await turns();
  assert.equal(sockets.last().url, "ws://host/ws?room=7&token=a+b%26c");
  assert.equal(sockets.last().protocols, undefined);
});

test("or into the sub-protocols", async () => {
  client({ token: async () => "t", tokenIn: "protocol" });
  await turns();
  assert.equal(sockets.last().url, "ws://host/ws");
  assert.deepEqual(sockets.last().protocols, ["bearer", "t"]);
});

test("listeners added at once hear of the first attempt's failure", async () => {
  const made = client({ token: () => Promise.reject(new Error("no session")) });
  await turns();
  assert.deepEqual(made.heard.errors, ["no session"]);
  assert.deepEqual(made.heard.closes, [{ code: 1006, reason: "", retryMs: 500 }]);
  assert.equal(made.state, "waiting");
});

test("pauses grow with failures, and begin anew after a connection that held", async () => {
  const made = client();
  for (const pause of [500, 1000, 2000, 4000]) {
    await turns();
    sockets.last().end(1006);
    assert.equal(made.heard.closes.at(-1).retryMs, pause);
    await after(pause);
  }
  sockets.last().accept();
  sockets.last().end(4008);
  assert.equal(made.heard.closes.at(-1).retryMs, 8000);
  await after(8000);
  sockets.last().accept();
  await after(5000);
  sockets.last().end(1011);
  assert.equal(made.heard.closes.at(-1).retryMs, 500);
});

test("a hint is waited for, and is no failure", async () => {
  const made = await opened();
  sockets.last().end(1012, "retry=8000");
  assert.deepEqual(made.heard.closes, [{ code: 1012, reason: "retry=8000", retryMs: 8400 }]);
  await after(8399);
  assert.equal(sockets.all.length, 1);
  await after(1);
  assert.equal(sockets.all.length, 2);
  sockets.last().end(1012);
  assert.equal(made.heard.closes.at(-1).retryMs, 1000);
});

test("after a flood it stays away for a minute and more", async () => {
  const made = await opened();
  sockets.last().end(1008, "flood");
  assert.equal(made.heard.closes.at(-1).retryMs, 60_500);
  assert.equal(made.state, "waiting");
});

for (const code of [1000, 1002, 1003, 1007, 1009, 4403]) {
  test(`it does not come back after ${code}`, async () => {
    const made = await opened();
    sockets.last().end(code, "why");
    assert.equal(made.state, "closed");
    assert.deepEqual(made.heard.closes, [{ code, reason: "why", retryMs: null }]);
    await after(1_000_000);
    assert.equal(sockets.all.length, 1);
  });
}

test("a refused token is replaced at once, and only by another", async () => {
  const asked = [];
  const tokens = ["old", "new"];
  const made = client({
    token: ({ fresh }) => {
      asked.push(fresh);
      return tokens.shift();
    },
  });
  await turns();
  sockets.last().onopen();
  sockets.last().end(4401);
  assert.deepEqual(made.heard.closes, [{ code: 4401, reason: "", retryMs: 0 }]);
  await after(0);
  sockets.last().accept();
  assert.deepEqual(asked, [false, true]);
  assert.deepEqual(made.heard.states, ["waiting", "connecting", "open"]);
});

test("the same token again ends it", async () => {
  const made = client({ token: "only one" });
  await turns();
  sockets.last().end(4401);
  await after(0);
  assert.equal(made.state, "refused");
  assert.equal(sockets.all.length, 1);
});

test("a second refusal ends it, until somebody tries again", async () => {
  let count = 0;
  const made = client({ token: () => `token ${++count}` });
  await turns();
  sockets.last().end(4401);
  await after(0);
  sockets.last().end(4401);
  assert.equal(made.state, "refused");
  await after(1_000_000);
  assert.equal(sockets.all.length, 2);
  made.connect();
  await turns();
  sockets.last().accept();
  assert.equal(made.state, "open");
});

test("a token that ends while the connection is open is replaced", async () => {
  let count = 0;
  const made = await opened({ token: () => `token ${++count}` });
  sockets.last().end(4401);
  await after(0);
  sockets.last().accept();
  sockets.last().end(4401); // one that did not hold is not replaced at once
  await after(999);
  assert.equal(made.state, "waiting");
  await after(1);
  sockets.last().accept();
  assert.equal(made.state, "open");
  assert.equal(count, 3);
});

test("a silence is asked about, and a dead connection replaced", async () => {
  const made = await opened();
  const [socket] = sockets.all;
  socket.sent.length = 0;
  await after(20_000);
  socket.hear({ type: "event", payload: 1 });
  await after(24_999);
  assert.deepEqual(socket.sent, []);
  await after(1);
  assert.deepEqual(socket.sent, ['{"type":"ping"}']);
  await after(5000);
  socket.hear({ type: "pong" });
  await after(20_000);
  assert.equal(socket.sent.length, 1);
  await after(5000);
  assert.equal(socket.sent.length, 2);
  await after(10_000);
  assert.equal(made.state, "waiting");
  assert.equal(made.heard.closes.at(-1).code, 1006);
  socket.hear({ type: "event", payload: "too late" });
  socket.end(1000);
  assert.deepEqual(made.heard.events, [1]);
});

test("a handshake that never ends is given up", async () => {
  const made = client();
  await turns();
  await after(14_999);
  assert.equal(made.state, "connecting");
  await after(1);
  assert.equal(made.state, "waiting");
  assert.notEqual(sockets.last().closed, null);
});

test("a token provider that never answers is given up", async () => {
  let signal;
  const made = client({
    token: (wanted) => {
      ({ signal } = wanted);
      return new Promise(() => {});
    },
  });
  await turns();
  await after(15_000);
  assert.equal(made.state, "waiting");
  assert.equal(signal.aborted, true);
  assert.deepEqual(made.heard.errors, ["there is no token after 15000 ms"]);
  assert.equal(sockets.all.length, 0);
});

test("a handshake without an answer to the ping is given up", async () => {
  const made = client();
  await turns();
  sockets.last().onopen();
  await after(10_000);
  assert.equal(made.state, "waiting");
});

test("what is sent without a connection is not sent, or kept up to a bound", async () => {
  const made = client();
  assert.equal(made.send("lost"), false);
  const keeping = client({ queue: 2 });
  await turns();
  assert.deepEqual([1, 2, 3].map((n) => keeping.send({ n })), [true, true, false]);
  sockets.last().accept();
  assert.deepEqual(sockets.last().sent.slice(1), ['{"n":1}', '{"n":2}']);
  assert.equal(keeping.send("now"), true);
  sockets.last().end(1006);
  assert.equal(keeping.send("kept"), true);
  keeping.close();
  assert.equal(keeping.send("never"), false);
});

test("close() ends it whatever it does", async () => {
  const connecting = client();
  await turns();
  connecting.close();
  sockets.last().accept();
  assert.equal(connecting.state, "closed");

  const asking = client({ token: () => new Promise(() => {}) });
  await turns();
  asking.close();
  assert.equal(asking.state, "closed");

  const open = await opened();
  open.close(4000, "bye");
  assert.deepEqual(sockets.last().closed, { code: 4000, reason: "bye" });
  assert.deepEqual(open.heard.closes, [{ code: 4000, reason: "bye", retryMs: null }]);
  open.close();
  assert.equal(open.heard.closes.length, 1);

  const waiting = client();
  await turns();
  sockets.last().end(1006);
  const count = sockets.all.length;
  waiting.close();
  await after(1_000_000);
  assert.equal(sockets.all.length, count);
});

test("how it cannot be closed is told, and it stays as it is", async () => {
  const made = client({ token: () => new Promise(() => {}) });
  for (const [code, reason, said] of [[1001, "", /3000 to 4999, found 1001/], [4000, "é".repeat(62), /found 124/]]) {
    assert.throws(() => made.close(code, reason), { name: "RangeError", message: said });
  }
  assert.equal(made.state, "connecting");
});

test("a clock that is set back hides no silence, and ends no live connection", async () => {
  const made = await opened();
  const now = Date.now;
  mock.method(Date, "now", () => now() - 3_600_000);
  await after(25_000);
  assert.equal(sockets.last().sent.length, 2);
  mock.method(Date, "now", () => now() - 7_200_000);
  sockets.last().hear({ type: "pong" });
  await after(10_000);
  assert.equal(made.state, "open");
  await after(25_000);
  await after(10_000);
  assert.equal(made.state, "waiting");
});

test("closed by a listener of its error, it stays closed", async () => {
  const made = client({ token: () => Promise.reject(new Error("no session")) });
  made.on("error", () => made.close());
  await turns();
  assert.deepEqual(made.heard.states, ["closed"]);
  assert.deepEqual(made.heard.closes, [{ code: 1000, reason: "", retryMs: null }]);
  await after(60_000);
  assert.equal(made.state, "closed");
  assert.deepEqual(sockets.all, []);
});

test("begun anew by a listener of its error, it is not begun twice", async () => {
  let fails = true;
  const made = client({
    token: () => {
      if (fails) throw new Error("no session");
      return "t";
    },
  });
  made.on("error", () => {
    fails = false;
    made.close();
    made.connect();
  });
  await turns();
  await after(60_000);
  assert.equal(sockets.all.length, 1);
});

test("closed by a listener of its state, it does not say that it comes back", async () => {
  const made = await opened();
  made.on("state", (state) => void (state === "waiting" && made.close()));
  sockets.last().end(1006);
  assert.deepEqual(made.heard.closes, [{ code: 1000, reason: "", retryMs: null }]);
});

test("closed by a listener of frames, it tells no more of the frame", async () => {
  const made = await opened();
  made.on("frame", () => made.close());
  sockets.last().hear({ type: "event", payload: 1 });
  assert.deepEqual(made.heard.events, []);
});

test("what the runtime says of a token is not passed on", async () => {
  class Choosy {
    constructor(url) {
      throw new SyntaxError(`bad: ${url}`);
    }
  }
  const made = client({ token: "s3cret", WebSocket: Choosy });
  await turns();
  assert.deepEqual(made.heard.errors, [
    "no WebSocket can be opened at ws://host/ws: does this page allow it?",
  ]);
  assert.equal(made.state, "waiting");
});

test("a message that is too long is not sent", async () => {
  const made = await opened({ maxMessageBytes: 10 });
  assert.throws(() => made.send("a".repeat(11)), /send less at once/);
  assert.equal(sockets.last().sent.length, 1);
});

test("an address may be another one at each attempt", async () => {
  const addresses = ["ws://a/ws", "ws://b/ws"];
  client({}, () => addresses.shift());
  await turns();
  sockets.last().end(1006);
  await after(500);
  assert.deepEqual(sockets.all.map((each) => each.url), ["ws://a/ws", "ws://b/ws"]);
});

test("an open connection's token is exchanged before it ends", async () => {
  const first = tokenUntil(NOW + 100_000);
  const second = tokenUntil(NOW + 200_000);
  const tokens = [first, second, second];
  const made = await opened({ token: () => tokens.shift(), refresh: true, pingMs: 0 });
  const [socket] = sockets.all;
  await after(69_999);
  assert.deepEqual(socket.sent, []);
  await after(1);
  assert.deepEqual(socket.sent, [JSON.stringify({ type: "refresh", token: second })]);
  socket.hear({ type: "refreshed" });
  await after(100_000);
  assert.deepEqual(made.heard.errors, ["the token ends soon, and there is no fresh one"]);
  assert.equal(socket.sent.length, 1);
  tokens.push(tokenUntil(NOW + 400_000));
  await after(15_000); // half of what is left
  assert.equal(socket.sent.length, 2);
});

test("tokens that are always about to end are not asked for without a pause", async () => {
  let count = 0;
  await opened({ token: () => tokenUntil(NOW, { n: ++count }), refresh: true, pingMs: 0 });
  for (let time = 0; time < 5; time++) {
    await after(30_000);
    sockets.last().hear({ type: "refreshed" });
  }
  assert.equal(count, 6);
});

test("a fresh token that is refused is told, and changes nothing", async () => {
  const tokens = [tokenUntil(NOW + 31_000), "bad"];
  const made = await opened({ token: () => tokens.shift(), refresh: true, pingMs: 0 });
  await after(15_500); // never before half of what is left
  sockets.last().hear({ type: "refresh_failed" });
  assert.deepEqual(made.heard.errors, [
    "the gateway refused a fresh token; the connection ends with the old one",
  ]);
  assert.equal(made.state, "open");
});

test("a token for months is waited for in pieces", async () => {
  const days = 24 * 3_600_000;
  const tokens = [tokenUntil(NOW + 60 * days), "next"];
  await opened({ token: () => tokens.shift(), refresh: true, pingMs: 0 });
  for (let day = 0; day < 59; day++) await after(days);
  assert.deepEqual(sockets.last().sent, []);
  await after(days);
  assert.equal(sockets.last().sent.length, 1);
});

function page() {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  globalThis.document = document;
  return (state) => {
    document.visibilityState = state;
    document.dispatchEvent(new Event("visibilitychange"));
  };
}

test("a page out of sight does not come back until it is seen", async () => {
  const become = page();
  const made = await opened();
  become("hidden");
  sockets.last().end(1006);
  await after(1_000_000);
  assert.equal(made.state, "waiting");
  assert.equal(sockets.all.length, 1);
  become("visible");
  await after(0);
  assert.equal(sockets.all.length, 2);
});

test("being seen cuts a pause short, but no hint", async () => {
  const become = page();
  await opened({ backoff: { minMs: 30_000 } });
  sockets.last().end(1006);
  become("hidden");
  become("visible");
  await after(0);
  assert.equal(sockets.all.length, 2);
  sockets.last().accept();
  sockets.last().end(1012, "retry=5000");
  become("visible");
  await after(5000);
  assert.equal(sockets.all.length, 2);
  await after(250);
  assert.equal(sockets.all.length, 3);
});

test("a page that is seen again asks whether its gateway is there", async () => {
  const become = page();
  await opened();
  const before = sockets.last().sent.length;
  become("visible");
  assert.equal(sockets.last().sent.length, before + 1);
});

test("a page that need not wait does not", async () => {
  const become = page();
  await opened({ pauseWhenHidden: false });
  become("hidden");
  sockets.last().end(1006);
  await after(500);
  assert.equal(sockets.all.length, 2);
});

test("a listener that throws keeps nobody from hearing", async () => {
  const made = await opened();
  const heard = [];
  made.on("event", () => {
    throw new Error("mine");
  });
  made.on("event", (payload) => heard.push(payload));
  sockets.last().hear({ type: "event", payload: 1 });
  assert.deepEqual(heard, [1]);
  assert.deepEqual(made.heard.errors, ["mine"]);
});

test("a failure that nobody listens to is reported, and an error listener that throws too", async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  try {
    const made = connect("ws://host/ws", { WebSocket: sockets.FakeSocket });
    clients.push(made);
    await turns();
    sockets.last().accept();
    made.on("event", () => {
      throw new Error("mine");
    });
    sockets.last().hear({ type: "event", payload: 1 });
    assert.deepEqual(reported, ["mine"]);
    made.on("error", () => {
      throw new Error("worse");
    });
    sockets.last().hear({ type: "event", payload: 2 });
    assert.deepEqual(reported, ["mine", "worse"]);
  } finally {
    delete globalThis.reportError;
  }
});

test("a listener is taken off by what on() returned", async () => {
  const made = await opened();
  const heard = [];
  const off = made.on("event", (payload) => heard.push(payload));
  sockets.last().hear({ type: "event", payload: 1 });
  off();
  off();
  sockets.last().hear({ type: "event", payload: 2 });
  assert.deepEqual(heard, [1]);
  assert.throws(() => made.on("event", "print"), /needs a function, found string/);
  assert.throws(() => made.on("events", () => {}), /nothing is told as "events"; there are event, open/);
});

test("other messages are heard, and what is no JSON is an error", async () => {
  const made = await opened();
  const heard = [];
  made.on("message", (message) => heard.push(message));
  made.on("rate_limited", () => heard.push("rate_limited"));
  made.on("frame", (text) => heard.push(text.length));
  sockets.last().hear({ type: "heartbeat_ack" });
  sockets.last().hear({ type: "rate_limited" });
  sockets.last().hear("{");
  assert.deepEqual(heard, [24, { type: "heartbeat_ack" }, 23, "rate_limited", 1]);
  assert.equal(made.heard.errors.length, 1);
});

test("opened() settles with the client", async () => {
  const made = client();
  const open = made.opened();
  await turns();
  sockets.last().accept();
  await open;
  await made.opened();
  const other = client({ token: "bad" });
  const refused = assert.rejects(other.opened(), /the client is refused/);
  await turns();
  sockets.last().end(4401);
  await after(0);
  await refused;
});

test("events come one by one, until the client ends", async () => {
  const made = await opened();
  const events = made.events();
  const next = events.next();
  for (const payload of [1, 2, 3]) sockets.last().hear({ type: "event", payload });
  assert.deepEqual(await next, { value: 1, done: false });
  sockets.last().end(1006);
  await after(500);
  sockets.last().accept();
  sockets.last().hear({ type: "event", payload: 4 });
  const heard = [];
  made.close();
  for await (const payload of events) heard.push(payload);
  assert.deepEqual(heard, [2, 3, 4]);
});

test("events of a client that is closed are over", async () => {
  const made = client();
  made.close();
  assert.deepEqual(await made.events().next(), { value: undefined, done: true });
});

test("a loop that is left hears no more, and one that is too slow is told", async () => {
  const made = await opened();
  for await (const payload of (queueMicrotask(() => sockets.last().hear({ type: "event", payload: 1 })),
  made.events())) {
    assert.equal(payload, 1);
    break;
  }
  const slow = made.events({ limit: 2 });
  for (const payload of [1, 2, 3, 4]) sockets.last().hear({ type: "event", payload });
  const heard = [];
  await assert.rejects(async () => {
    for await (const payload of slow) heard.push(payload);
  }, /more than 2 events wait to be read/);
  assert.deepEqual(heard, [1, 2]);
});

test("a listener of errors that throws does not go round in circles", async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  try {
    const made = await opened();
    made.on("error", () => {
      throw new Error("of the error's listener");
    });
    sockets.last().hear("no JSON");
    assert.deepEqual(reported, ["of the error's listener"]);
    assert.equal(made.state, "open");
  } finally {
    delete globalThis.reportError;
  }
});

test("what nobody tells cannot be listened to", () => {
  assert.throws(() => client().on("evnt", () => {}), /nothing is told as "evnt"; there are event, /);
  assert.throws(() => client().on("event", "no function"), /needs a function, found string/);
});

test("what waits goes out before what a listener of open sends", async () => {
  const made = client({ queue: 1 });
  made.on("open", () => made.send("second"));
  made.send("first");
  await turns();
  sockets.last().accept();
  assert.deepEqual(sockets.last().sent.slice(1), ["first", "second"]);
});

test("a connection that is being closed takes nothing", async () => {
  const made = await opened();
  sockets.last().readyState = 2;
  assert.equal(made.send("into nothing"), false);
});

test("a token that cannot be a sub-protocol is told, and not shown", async () => {
  const made = client({ token: "a b,c", tokenIn: "protocol" });
  await turns();
  assert.deepEqual(made.heard.errors, ['this token cannot be a sub-protocol: use tokenIn "query"']);
  assert.equal(sockets.all.length, 0);
});

test("a fixed token that is refused ends it, and says what to do", async () => {
  const made = client({ token: "fixed" });
  const opening = made.opened();
  await turns();
  sockets.last().end(4401);
  assert.deepEqual(made.heard.closes, [{ code: 4401, reason: "", retryMs: null }]);
  await assert.rejects(opening, {
    message: "the client is refused: the gateway refused the token: give a function as option token",
  });
});

test("a refresh that is not answered is told once", async () => {
  const tokens = [tokenUntil(NOW + 100_000), tokenUntil(NOW + 200_000)];
  const made = await opened({ token: () => tokens.shift(), refresh: true, pingMs: 0 });
  await after(70_000);
  await after(10_000);
  await after(1_000_000);
  assert.deepEqual(made.heard.errors, [
    "the gateway does not answer a refresh: is its session.refresh true?",
  ]);
});

test("pauses begin anew once a connection has held, not before", async () => {
  const made = await opened();
  const pause = () => made.heard.closes.at(-1).retryMs;
  sockets.last().end(1006);
  for (const expected of [500, 1000, 2000]) {
    assert.equal(pause(), expected);
    await after(expected);
    sockets.last().accept();
    sockets.last().end(1006);
  }
  await after(4000);
  sockets.last().accept();
  await after(5000);
  sockets.last().end(1006);
  assert.equal(pause(), 500);
});
