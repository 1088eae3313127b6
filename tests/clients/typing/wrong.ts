// Uses of the client that a type checker must refuse: each with the error that it must find.

import { connect } from "gatewright-client";
import { publish } from "gatewright-client/publish";

const client = connect<{ order: number }>("wss://gateway.example/ws");

connect(); // wrong: TS2554
connect(42); // wrong: TS2345
connect("/ws", { retries: 3 }); // wrong: TS2353
connect("/ws", { tokenIn: "header" }); // wrong: TS2322
connect("/ws", { token: () => 42 }); // wrong: TS2322
connect("/ws", { refresh: { before: 60 } }); // wrong: TS2353
client.on("evnt", () => {}); // wrong: TS2345
client.on("event", (payload) => payload.oder); // wrong: TS2551
client.on("close", ({ code }) => code.trim()); // wrong: TS2339
client.on("state", (state) => state === "opne"); // wrong: TS2367
client.state = "open"; // wrong: TS2540
const sent: string = client.send({}); // wrong: TS2322
client.events({ limit: "10" }); // wrong: TS2322
publish({ url: "http://gateway" }, "user:42", 1); // wrong: TS2345
publish({ url: "http://gateway", apiKey: "k" }, [42], 1); // wrong: TS2322
