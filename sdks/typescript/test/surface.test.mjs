// Methods of the client, which are those of the document's operations and the few that are more than one request.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Nexevo } from "@nexevo/sdk";

const MORE = [
  "agents.runAndWait", "chat.completions.stream", "jobs.wait", "models3d.generateAndWait", "tasks.wait",
  "videos.generateAndWait", "webhooks.verify",
];

/** Methods of the value's classes, up to the client's transport. */
function methods(value, prefix = "") {
  const found = [];
  for (let at = Object.getPrototypeOf(value); at && at.constructor.name !== "Transport"; at = Object.getPrototypeOf(at)) {
    found.push(...Object.getOwnPropertyNames(at).filter((name) => name !== "constructor" && at !== Object.prototype));
  }
  const below = Object.entries(value).filter(([name, each]) => name !== "client" && each?.constructor?.name.endsWith("Resource"));
  return [...found.map((name) => prefix + name), ...below.flatMap(([name, each]) => methods(each, `${prefix}${name}.`))];
}

test("methods are those of the operations", { skip: process.env.OPERATIONS ? false : "OPERATIONS names no table" }, () => {
  const table = Object.values(JSON.parse(readFileSync(process.env.OPERATIONS)));
  const operations = table.map(({ typescript }) => typescript).filter((name) => name !== null);
  assert.ok(operations.length > 100);
  assert.deepEqual(methods(new Nexevo({ apiKey: "sk-xc-a" })).sort(), [...operations, ...MORE].sort());
});
