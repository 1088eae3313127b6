// Uses of the client that a type checker must accept.

import { connect, Client, closeCodes } from "gatewright-client";
import type { ClientOptions, Closed, State, TokenProvider } from "gatewright-client";
import { publish, PublishError } from "gatewright-client/publish";

interface Order {
  order: number;
}

const token: TokenProvider = async ({ fresh, signal }) => {
  const answer = await fetch(`/token?fresh=${fresh}`, { signal });
  return answer.ok ? answer.text() : null;
};
const options: ClientOptions = {
  token,
  tokenIn: "protocol",
  refresh: { beforeSeconds: 60 },
  backoff: { minMs: 500 },
  queue: 10,
  stayAway: [4403, 4404],
  WebSocket,
};

const client: Client<Order> = connect<Order>("wss://gateway.example/ws", options);
const off: () => void = client.on("event", (payload) => payload.order.toFixed());
client.on("close", ({ code, reason, retryMs }: Closed) => [code.toFixed(), reason.trim(), retryMs ?? 0]);
client.on("state", (state: State) => state === "refused" && off());
client.on("error", (error) => console.error(error));
const sent: boolean = client.send({ say: "hi" });
export const table: ReadonlyMap<number, string> = closeCodes;

export async function use(): Promise<number> {
  await client.opened();
  for await (const { order } of client.events({ limit: 10 })) return order;
  connect(() => new URL("/ws", location.href)).on("event", (anything) => anything.at.all());
  try {
    return (await publish({ url: "http://gateway", apiKey: "k" }, ["user:42"], { sent }, { id: "1" })).sent;
  } catch (error) {
    return error instanceof PublishError ? error.status ?? 0 : 0;
  }
}
