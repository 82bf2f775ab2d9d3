// Each block of code of the README, run as a module of its own against a running gateway.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const skip = process.env.NEXEVO_BASE_URL ? false : "NEXEVO_BASE_URL names no gateway";
const read = createRequire(import.meta.url).resolve("@nexevo/sdk/package.json").replace("package.json", "README.md");
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
// What stands around the blocks: a client, a request to it, a picture, and a webhook that has come.
const AROUND = `
const [model, messages] = ["nexevo/balanced", [{ role: "user", content: "Hello!" }]];
const dispatcher = undefined;
const { request, rawBody } = globalThis.webhook;
`;

function webhook() {
  const [rawBody, at] = ['{"type":"job.succeeded"}', String(Math.floor(Date.now() / 1000))];
  process.env.NEXEVO_WEBHOOK_SECRET = `whsec_${Buffer.from("secret").toString("base64")}`;
  const signature = `v1,${createHmac("sha256", "secret").update(`m.${at}.${rawBody}`).digest("base64")}`;
  const headers = { "webhook-id": "m", "webhook-timestamp": at, "webhook-signature": signature };
  return { rawBody, request: { headers } };
}

function moduleOf(block) {
  const imported = block.includes("import Nexevo") ? "" : 'import Nexevo from "@nexevo/sdk";\n';
  const client = block.includes("const client =") ? "" : "const client = new Nexevo();\n";
  // The runner tells of results over this process's own output.
  const quiet = block.replaceAll("process.stdout.write(", "String(").replace("pollIntervalSec: 5", "pollIntervalSec: 0.2");
  return imported + AROUND + client + quiet;
}

const blocks = [...readFileSync(read, "utf8").matchAll(/^```js\n(.*?)^```$/gms)].map((found) => found[1]);
test("the README has blocks of code", () => assert.ok(blocks.length >= 7));
blocks.forEach((block, number) => {
  test(`block ${number} of the README runs: ${block.trim().split("\n")[0]}`, { skip }, async (t) => {
    t.mock.method(console, "log", () => {});
    globalThis.webhook = webhook();
    const place = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
    writeFileSync(join(place, "char.png"), Buffer.from(PIXEL, "base64"));
    process.chdir(place);
    const file = join(place, `block_${number}.mjs`);
    writeFileSync(file, moduleOf(block));
    await import(pathToFileURL(file).href);
  });
});
