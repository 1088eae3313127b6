// Calls functions of the harness as it is told, line by line; the end of input is the end.

import { createInterface } from "node:readline";
import * as harness from "./harness.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { id, name, given } = JSON.parse(line);
  Promise.resolve()
    .then(() => harness[name](given))
    .then((result) => ({ id, result }), (error) => ({ id, error: String(error.stack) }))
    .then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
}
harness.end();
