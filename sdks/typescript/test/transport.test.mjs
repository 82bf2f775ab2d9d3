// Requests, retries, errors, streams and pages against a small server.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createReadStream, mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import * as sdk from "@nexevo/sdk";
import { events, json, refusal, serving, told } from "./fake.mjs";

const { Nexevo } = sdk;
const { delayMs } = await import(new URL("request.js", import.meta.resolve("@nexevo/sdk")).href);
const KEY = "sk-xc-0123456789abcdef";
const messages = [{ role: "user", content: "Hello!" }];
const AGENTS = ["undici.globalDispatcher.2", "undici.globalDispatcher.1"].map((name) => Symbol.for(name));
const servers = [];
after(() => servers.forEach((server) => server.close()));

async function client(answers, options = {}) {
  const server = await serving(...answers);
  servers.push(server);
  return [new Nexevo({ apiKey: KEY, baseURL: server.baseURL, ...options }), server.seen];
}

const chunk = (content, more = {}) => ({
  id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content }, ...more }],
});

test("a request carries key, organization and body, and its answer keeps unknown fields", async () => {
  const [nexevo, seen] = await client([json({ id: "c1", choices: [], new_field: 1 })], { organization: "org_1" });
  const answer = await nexevo.chat.completions.create({ model: "m", messages }, { headers: { "x-own": "1" } });
  assert.equal(answer.new_field, 1);
  assert.equal(answer._request_id, "trace-1");
  assert.equal(seen[0].method + seen[0].url, "POST/v1/chat/completions");
  assert.equal(seen[0].headers.authorization, `Bearer ${KEY}`);
  assert.equal(seen[0].headers["x-nexevo-organization"], "org_1");
  assert.equal(seen[0].headers["x-own"], "1");
  assert.deepEqual(JSON.parse(seen[0].body), { model: "m", messages });
});

for (const status of [408, 409, 429, 500, 503]) {
  test(`a ${status} is retried under one Idempotency-Key`, async () => {
    const [nexevo, seen] = await client([refusal(status), refusal(status), json({ id: "c1" })]);
    assert.equal((await nexevo.chat.completions.create({ model: "m", messages })).id, "c1");
    assert.equal(seen.length, 3);
    assert.match(seen[0].headers["idempotency-key"], /^nexevo-ts-/);
    assert.equal(new Set(seen.map(({ headers }) => headers["idempotency-key"])).size, 1);
  });
}

test("two requests have two keys, a caller's own key is kept, and a GET has none", async () => {
  const [nexevo, seen] = await client([json({})]);
  await nexevo.keys.create({ name: "a" });
  await nexevo.keys.create({ name: "a" });
  await nexevo.keys.create({ name: "a" }, { idempotencyKey: "mine" });
  await nexevo.billing.balance();
  await nexevo.billing.checkout({ amount_usd: "20.10", idempotency_key: "topup-1" });
  const keys = seen.map(({ headers }) => headers["idempotency-key"]);
  assert.notEqual(keys[0], keys[1]);
  assert.deepEqual(keys.slice(2), ["mine", undefined, undefined]);
  assert.equal(JSON.parse(seen[4].body).idempotency_key, "topup-1");
});

test("the server's word on retries counts first", async () => {
  const [never, once] = await client([refusal(503, "x", { "x-should-retry": "false" })]);
  await assert.rejects(never.billing.balance(), sdk.InternalServerError);
  assert.equal(once.length, 1);
  const [again, twice] = await client([refusal(400, "x", { "x-should-retry": "true" }), json({ ok: 1 })]);
  await again.billing.balance();
  assert.equal(twice.length, 2);
});

test("retries end, and a request may have its own number", async () => {
  const [nexevo, seen] = await client([refusal(500)], { maxRetries: 1 });
  await assert.rejects(nexevo.billing.balance(), sdk.InternalServerError);
  await assert.rejects(nexevo.billing.balance({ maxRetries: 0 }), sdk.InternalServerError);
  assert.equal(seen.length, 3);
});

test("a Retry-After is waited for", async () => {
  const [nexevo] = await client([json({ error: {} }, 429, { "retry-after": "0.2" }), json({})]);
  const began = performance.now();
  await nexevo.billing.balance();
  assert.ok(performance.now() - began >= 190);
  assert.equal(delayMs(0, new Headers({ "retry-after-ms": "soon", "retry-after": "3" })), 3000);
  const soon = delayMs(0, new Headers({ "retry-after": new Date(Date.now() + 30_000).toUTCString() }));
  assert.ok(soon > 20_000 && soon <= 30_000);
  for (const unread of ["soon", "-1", "86400", "Wed, 21 Oct 9999999 07:28:00 GMT", new Date(0).toUTCString()]) {
    const usual = delayMs(0, new Headers({ "retry-after": unread }));
    assert.ok(usual >= 375 && usual <= 500, `${unread}: ${usual}`);
  }
});

const KINDS = {
  400: "BadRequestError", 401: "AuthenticationError", 402: "InsufficientBalanceError", 403: "PermissionDeniedError",
  404: "NotFoundError", 408: "RequestTimeoutError", 409: "ConflictError", 413: "RequestTooLargeError",
  418: "APIStatusError", 429: "RateLimitError", 502: "InternalServerError",
};
for (const [status, kind] of Object.entries(KINDS)) {
  test(`a ${status} is a ${kind} that knows request, code and param`, async () => {
    const [nexevo] = await client([refusal(Number(status), "the_code")], { maxRetries: 0 });
    const error = await nexevo.models.list().then(assert.fail, (reason) => reason);
    assert.equal(error.name, kind);
    assert.ok(error instanceof sdk[kind] && error instanceof sdk.APIStatusError && error instanceof sdk.NexevoError);
    assert.deepEqual([error.status, error.requestId, error.code, error.type, error.param],
      [Number(status), "trace-1", "the_code", "some_error", "model"]);
    assert.match(error.message, /It is .* request trace-1/);
    assert.ok(!inspect(error, { depth: 9 }).includes(KEY));
  });
}

test("a refusal that is no JSON is an error by its status", async () => {
  const [nexevo] = await client([(_, response) => response.writeHead(502).end("<html>")], { maxRetries: 0 });
  await assert.rejects(nexevo.models.list(), { name: "InternalServerError", body: "<html>" });
});

test("a broken connection is retried, then an error", async () => {
  const dead = (_, response) => response.socket.destroy();
  const [nexevo, seen] = await client([dead, json({ ok: 1 })]);
  assert.deepEqual(await nexevo.billing.balance(), { ok: 1 });
  assert.equal(seen.length, 2);
  const [gone] = await client([dead], { maxRetries: 0 });
  await assert.rejects(gone.billing.balance(), sdk.APIConnectionError);
});

test("an answer that is cut in its body is retried", async () => {
  const cut = (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write('{"a":', () => response.socket.destroy());
  };
  const [nexevo] = await client([cut, json({ ok: 1 })]);
  assert.deepEqual(await nexevo.billing.balance(), { ok: 1 });
});

test("a try that takes too long is an APITimeoutError, in headers as in a body", async () => {
  const [silent] = await client([() => {}], { maxRetries: 0, timeout: 50 });
  await assert.rejects(silent.billing.balance(), sdk.APITimeoutError);
  const slow = (_, response) => response.writeHead(200, { "content-type": "application/json" }).write("{");
  const [half] = await client([slow], { maxRetries: 0 });
  await assert.rejects(half.billing.balance({ timeout: 50 }), sdk.APITimeoutError);
});

test("a signal ends a request, its wait for a retry, and a stream", async () => {
  const [asked, refused, controller] = [new AbortController(), new AbortController(), new AbortController()];
  const [silent, seen] = await client([() => asked.abort()]);
  await assert.rejects(silent.billing.balance(asked), sdk.APIUserAbortError);
  assert.equal(seen.length, 1);
  const refusing = refusal(500, "x", { "retry-after-ms": "50000" });
  const [patient] = await client([
    (request, response) => {
      refusing(request, response);
      setTimeout(() => refused.abort(), 50);
    },
  ]);
  await assert.rejects(patient.billing.balance(refused), sdk.APIUserAbortError);
  const open = (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(told(chunk("a")));
  };
  const [nexevo] = await client([open]);
  const stream = await nexevo.chat.completions.create({ model: "m", messages, stream: true }, controller);
  await assert.rejects(async () => {
    for await (const _ of stream) controller.abort();
  }, sdk.APIUserAbortError);
});

test("Node's usual agent is replaced by one that waits longer than five minutes, a program's own is not", async () => {
  const inits = [];
  const fetch = async (_, init) => {
    inits.push(init);
    return Response.json({});
  };
  await new Nexevo({ apiKey: KEY, fetch }).billing.balance();
  assert.equal(typeof inits[0].dispatcher.dispatch, "function");
  const own = {};
  await new Nexevo({ apiKey: KEY, fetch, fetchOptions: { dispatcher: own } }).billing.balance();
  assert.equal(inits[1].dispatcher, own);
  const place = AGENTS.find((name) => globalThis[name]?.constructor.name === "Agent");
  const usual = globalThis[place];
  try {
    globalThis[place] = new (class Agent {
      constructor(options) {
        this.options = options;
      }
    })();
    await new Nexevo({ apiKey: KEY, fetch }).billing.balance();
    assert.deepEqual(inits[2].dispatcher.options, { headersTimeout: 0, bodyTimeout: 0 });
    globalThis[place] = new (class ProxyAgent {})();
    await new Nexevo({ apiKey: KEY, fetch }).billing.balance();
    assert.equal(inits[3].dispatcher, undefined);
  } finally {
    globalThis[place] = usual;
  }
});

test("a stream that brings nothing for too long is given up, or gone on with where it can be", async () => {
  const silent = (text) => (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(text);
  };
  const [nexevo] = await client([silent(told(chunk("a")))], { timeout: 100 });
  const read = [];
  await assert.rejects(async () => {
    for await (const each of nexevo.chat.completions.stream({ model: "m", messages })) read.push(each);
  }, sdk.APITimeoutError);
  assert.equal(read.length, 1);
  const [resumed] = await client([silent(told(created, delta(1))), events(told(delta(2), completed))], { timeout: 100 });
  assert.deepEqual(await numbersOf(resumed.responses.create(background)), [0, 1, 2, 4]);
});

test("a limit of time that no timer can count is none", async () => {
  const [nexevo] = await client([(_, response) => setTimeout(() => json({ ok: 1 })(_, response), 50)], { maxRetries: 0 });
  for (const timeout of [Infinity, 2 ** 31, 1e12]) assert.deepEqual(await nexevo.billing.balance({ timeout }), { ok: 1 });
});

test("a large event is read once, however many pieces it has", async () => {
  const { split } = String.prototype;
  let searched = 0;
  String.prototype.split = function (...given) {
    searched += this.length;
    return split.apply(this, given);
  };
  const content = "x".repeat(1000);
  const parts = ["data: {\"choices\":[],\"b64\":\"", ...Array(500).fill(content), "\"}\n\n"];
  const slow = async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const part of parts) await new Promise((resolve) => response.write(part, () => setImmediate(resolve)));
    response.end("data: [DONE]\n\n");
  };
  try {
    const [nexevo] = await client([slow]);
    for await (const each of nexevo.chat.completions.stream({ model: "m", messages })) assert.equal(each.b64.length, 500_000);
  } finally {
    String.prototype.split = split;
  }
  assert.ok(searched < 2_000_000, String(searched));
});

test("the whole answer of a stream that was left is not known", async () => {
  const [nexevo] = await client([events(`${told(chunk("Hel"), chunk("lo"))}data: [DONE]\n\n`)]);
  const left = await nexevo.chat.completions.stream({ model: "m", messages });
  for await (const _ of left.text()) break;
  await assert.rejects(left.final(), /before its end/);
  const closed = await nexevo.chat.completions.stream({ model: "m", messages });
  closed.close();
  await assert.rejects(closed.final(), sdk.NexevoError);
  const read = await nexevo.chat.completions.stream({ model: "m", messages });
  assert.equal((await read.final()).choices[0].message.content, "Hello");
  assert.equal((await read.final()).choices[0].message.content, "Hello");
  const [without] = await client([events(told(chunk("Hi")))]);
  assert.equal((await (await without.chat.completions.stream({ model: "m", messages })).final()).choices[0].message.content, "Hi");
});

for (const inBytes of [false, true]) {
  test(`a stream is the same however it is cut (byte by byte: ${inBytes})`, async () => {
    const text = `: comment\r\n\r\n${told(chunk("Grüße "), chunk("世界 🌍"))}data: {"choices":\rdata: []}\r\rdata: [DONE]\n\n`;
    const [nexevo] = await client([events(text, { inBytes })]);
    const found = [];
    for await (const each of await nexevo.chat.completions.create({ model: "m", messages, stream: true })) found.push(each);
    assert.deepEqual(found, [chunk("Grüße "), chunk("世界 🌍"), { choices: [] }]);
  });
}

test("a stream's helpers give its text and the whole answer with tool calls", async () => {
  const call = (index, told) => chunk(null, { delta: { tool_calls: [{ index, ...told }] } });
  const parts = [
    chunk("Hel"), chunk("lo"),
    call(0, { id: "t1", type: "function", function: { name: "get", arguments: '{"a"' } }),
    call(0, { function: { arguments: ":1}" } }),
    { ...chunk(null, { delta: {}, finish_reason: "tool_calls" }), usage: { total_tokens: 3 } },
  ];
  const [nexevo] = await client([events(`${told(...parts)}data: [DONE]\n\n`)]);
  const stream = await nexevo.chat.completions.stream({ model: "m", messages });
  const pieces = [];
  for await (const piece of stream.text()) pieces.push(piece);
  assert.deepEqual(pieces, ["Hel", "lo"]);
  const whole = await stream.final();
  assert.deepEqual(whole.choices[0].message, {
    role: "assistant", content: "Hello",
    tool_calls: [{ id: "t1", type: "function", function: { name: "get", arguments: '{"a":1}' } }],
  });
  assert.deepEqual([whole.choices[0].finish_reason, whole.usage.total_tokens], ["tool_calls", 3]);
  const read = [];
  for await (const each of nexevo.chat.completions.stream({ model: "m", messages })) read.push(each);
  assert.equal(read.length, 5);
});

test("an error within a stream, and a cut, are errors", async () => {
  const [failing] = await client([events(told(chunk("a"), { error: { message: "Lost.", code: "upstream_error" } }))]);
  const read = async (nexevo) => {
    for await (const _ of await nexevo.chat.completions.create({ model: "m", messages, stream: true }));
  };
  await assert.rejects(read(failing), { name: "APIStreamError", message: "Lost.", code: "upstream_error" });
  const [cut] = await client([events(told(chunk("a")), { isCut: true })]);
  await assert.rejects(read(cut), sdk.APIConnectionError);
});

const delta = (sequence_number, more = {}) => ({ type: "response.output_text.delta", sequence_number, ...more });
const created = delta(0, { type: "response.created", response: { id: "resp_nxn-1" } });
const completed = delta(4, { type: "response.completed", response: { id: "resp_nxn-1" } });
const background = { model: "m", input: "Hi", background: true, stream: true };
const numbersOf = async (stream) => {
  const found = [];
  for await (const each of await stream) found.push(each.sequence_number);
  return found;
};

test("a background response goes on behind its last event, none lost and none doubled", async () => {
  const [nexevo, seen] = await client([
    events(`${told(created, delta(1))}data: {"type": "resp`, { isCut: true }),
    events("", { isCut: true }),
    events(told(delta(1), delta(2)), { isCut: true }),
    events(told(delta(3), completed)),
  ]);
  const options = { headers: { "x-own": "1" } };
  assert.deepEqual(await numbersOf(nexevo.responses.create(background, options)), [0, 1, 2, 3, 4]);
  const again = "/v1/responses/resp_nxn-1?stream=true&starting_after=";
  assert.deepEqual(seen.map(({ url }) => url), ["/v1/responses", `${again}1`, `${again}1`, `${again}2`]);
  assert.deepEqual(seen.map(({ method }) => method), ["POST", "GET", "GET", "GET"]);
  assert.ok(seen.every(({ headers }) => headers["x-own"] === "1"));
  assert.deepEqual(seen.map(({ headers }) => "idempotency-key" in headers), [true, false, false, false]);
});

test("a look at a background response goes on too", async () => {
  const [nexevo, seen] = await client([events(told(delta(2)), { isCut: true }), events(told(delta(3), completed))]);
  assert.deepEqual(await numbersOf(nexevo.responses.get("resp_nxn-1", { stream: true, starting_after: 1 })), [2, 3, 4]);
  assert.deepEqual(seen.map(({ url }) => url.split("=").at(-1)), ["1", "2"]);
});

test("what follows a cut is asked for with the caller's own parameters of the query", async () => {
  const options = { query: { tenant: "a" } };
  const parts = [events(told(created, delta(1)), { isCut: true }), events(told(delta(2), completed))];
  const [begun, looked] = [await client(parts), await client(parts)];
  await numbersOf(begun[0].responses.create(background, options));
  await numbersOf(looked[0].responses.get("resp_nxn-1", { stream: true }, { query: { tenant: "a", starting_after: 0 } }));
  const again = ["stream=true", "starting_after=1", "tenant=a"].sort();
  for (const seen of [begun[1], looked[1]]) {
    assert.deepEqual(seen.map(({ url }) => url.split("?")[0]).at(-1), "/v1/responses/resp_nxn-1");
    assert.deepEqual(seen.at(-1).url.split("?")[1].split("&").sort(), again);
  }
  const done = 'id: task_1:2\ndata: {"type":"done","job":{}}\n\n';
  const [runs, asked] = await client([events('id: task_1:1\ndata: {"type":"step"}\n\n', { isCut: true }), events(done)]);
  for await (const _ of runs.agents.runStream({ task: "a" }, options));
  assert.deepEqual(asked.map(({ url }) => url), Array(2).fill("/v1/agents/run/stream?tenant=a"));
});

test("members of a request's own body choose the form of the answer as arguments do", async () => {
  const [nexevo] = await client([events(told(created, delta(1)), { isCut: true }), events(told(delta(2), completed))]);
  const body = { background: true, stream: true };
  assert.deepEqual(await numbersOf(nexevo.responses.create({ model: "m", input: "Hi" }, { body })), [0, 1, 2, 4]);
  const [low] = await client([events(`${told(chunk("a"))}data: [DONE]\n\n`)]);
  const call = { method: "POST", path: "/v1/chat/completions", params: { model: "m", messages }, options: { body: { stream: true } } };
  const read = [];
  for await (const each of await low.ask(call)) read.push(each.choices[0].delta.content);
  assert.deepEqual(read, ["a"]);
});

test("a response that runs in its request alone is not asked for again, one of which nothing comes is given up", async () => {
  const [alone, once] = await client([events(told(created, delta(1)), { isCut: true })]);
  await assert.rejects(numbersOf(alone.responses.create({ ...background, background: false })), sdk.APIConnectionError);
  assert.equal(once.length, 1);
  const [dead, tries] = await client([events(told(created, delta(1)), { isCut: true })]);
  await assert.rejects(numbersOf(dead.responses.create(background)), sdk.APIConnectionError);
  assert.equal(tries.length, 6);
  const [failing, asked] = await client([events(told(created, delta(1, { type: "error", message: "Lost." })))]);
  assert.deepEqual(await numbersOf(failing.responses.create(background)), [0, 1]);
  assert.equal(asked.length, 1);
});

test("a response tells its text at once, and a page of HTML is no answer", async () => {
  const content = [{ type: "output_text", text: "Hel" }, { type: "refusal" }, { type: "output_text", text: "lo" }];
  const output = [{ type: "reasoning" }, { type: "message", content }];
  const [nexevo] = await client([json({ object: "response", output })]);
  const answer = await nexevo.responses.create({ model: "m", input: "Hi" });
  assert.equal(answer.output_text, "Hello");
  assert.deepEqual(Object.keys(answer), ["object", "output"]);
  const page = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>");
  const [wrong] = await client([page]);
  await assert.rejects(wrong.models.list(), /HTML: is it the gateway's address/);
});

test("a signal that lives on keeps no request that is over", async () => {
  const { signal } = new AbortController();
  const [added, removed] = [[], []];
  signal.addEventListener = (name, listener) => added.push(listener);
  signal.removeEventListener = (name, listener) => removed.push(listener);
  const [nexevo] = await client([json({}), events(told(chunk("a")))]);
  await nexevo.billing.balance({ signal });
  for await (const _ of await nexevo.chat.completions.create({ model: "m", messages, stream: true }, { signal }));
  assert.equal(added.length, 2);
  assert.deepEqual(removed, added);
});

test("a derived client adds to headers that all requests have", async () => {
  const [nexevo, seen] = await client([json({})], { defaultHeaders: { "x-a": "1", "x-b": "1" } });
  await nexevo.withOptions({ defaultHeaders: { "x-b": "2" } }).billing.balance();
  assert.deepEqual([seen[0].headers["x-a"], seen[0].headers["x-b"]], ["1", "2"]);
});

test("a wait outlives a gateway that fails for a while, and names what goes on", async () => {
  const job = (status) => json({ id: "gen_1", job_id: "gen_1", status, results: [] });
  const [nexevo] = await client([job("pending"), refusal(503), job("running"), refusal(429), job("succeeded")]);
  const asked = [{ model: "m", prompt: "a cat", duration_sec: 5 }, { pollIntervalSec: 0.001, maxRetries: 0 }];
  assert.equal((await nexevo.videos.generateAndWait(...asked)).status, "succeeded");
  const [dead] = await client([job("pending"), refusal(503)]);
  const error = await dead.videos.generateAndWait(asked[0], { ...asked[1], timeoutSec: 0.05 }).then(assert.fail, (each) => each);
  assert.equal(error.name, "WaitTimeoutError");
  assert.equal(error.job.id, "gen_1");
  assert.equal(error.cause.name, "InternalServerError");
  const controller = new AbortController();
  const ended = dead.jobs.wait("gen_1", { signal: AbortSignal.timeout(50), maxRetries: 0 });
  await assert.rejects(ended, sdk.InternalServerError);
  const [slow] = await client([job("running")]);
  const waited = slow.jobs.wait("gen_1", { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(waited, sdk.APIUserAbortError);
});

test("leaving a stream's loop closes the connection", async () => {
  let isClosed;
  const closed = new Promise((resolve) => (isClosed = resolve));
  const open = (request, response) => {
    response.on("close", isClosed);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(told(chunk("a")));
  };
  const [nexevo] = await client([open]);
  for await (const _ of await nexevo.chat.completions.create({ model: "m", messages, stream: true })) break;
  await closed;
});

test("a stream can be passed on", async () => {
  const [nexevo] = await client([events(`${told(chunk("a"), chunk("b"))}data: [DONE]\n\n`)]);
  const stream = await nexevo.chat.completions.create({ model: "m", messages, stream: true });
  const lines = (await new Response(stream.toReadableStream()).text()).trim().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [chunk("a"), chunk("b")]);
});

test("a run's stream goes on behind the last whole event after a cut", async () => {
  const step = (number) => `id: task_1:${number}\ndata: {"type":"step","step":{"step":${number}}}\n\n`;
  const done = 'id: task_1:3\ndata: {"type":"done","job":{}}\n\n';
  const [nexevo, seen] = await client([
    events(`${step(1)}id: task_1:2\ndata: {"type":"st`, { isCut: true }), events(step(2), { isCut: true }), events(done),
  ]);
  const types = [];
  for await (const event of nexevo.agents.runStream({ task: "a" })) types.push(event.step?.step ?? event.type);
  assert.deepEqual(types, [1, 2, "done"]);
  assert.deepEqual(seen.map(({ method, headers }) => [method, headers["last-event-id"]]),
    [["POST", undefined], ["GET", "task_1:1"], ["GET", "task_1:2"]]);
});

test("a wait goes on when its callback is done, and fails with it", async () => {
  const job = (status) => json({ id: "gen_1", status, results: [] });
  const [nexevo, seen] = await client([job("running"), job("succeeded")]);
  const order = [];
  const onProgress = async ({ status }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push(`${status} ${seen.length}`);
  };
  await nexevo.jobs.wait("gen_1", { pollIntervalSec: 0, onProgress });
  assert.deepEqual(order, ["running 1", "succeeded 2"]);
  const failing = async () => {
    throw new Error("mine");
  };
  await assert.rejects(nexevo.jobs.wait("gen_1", { onProgress: failing }), /mine/);
});

test("a run's stream that was left can be gone on with by another program", async () => {
  const step = (number) => `id: task_1:${number}\ndata: {"type":"step"}\n\n`;
  const done = 'id: task_1:3\ndata: {"type":"done","job":{}}\n\n';
  const first = async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    // One piece: its second event has come, and is not read.
    response.write(step(1) + step(2));
  };
  const [nexevo, seen] = await client([first, events(step(2) + done)]);
  const left = await nexevo.agents.runStream({ task: "a" });
  assert.equal(left.lastEventId, null);
  for await (const _ of left) break;
  assert.equal(left.lastEventId, "task_1:1");
  const types = [];
  for await (const event of nexevo.agents.resumeStream(left.lastEventId)) types.push(event.type);
  assert.deepEqual([types, seen[1].headers["last-event-id"]], [["step", "done"], "task_1:1"]);
});

test("a list is read over all its pages, by cursor and by last id", async () => {
  const page = (data, more) => json({ object: "list", data, ...more });
  const answers = [
    page([{ key_id: "a" }], { has_more: true, next_cursor: "c1" }),
    page([{ key_id: "b" }], { has_more: false, next_cursor: "c2" }),
  ];
  const [nexevo, seen] = await client(answers);
  const found = [];
  for await (const key of nexevo.keys.list({ limit: 1 }, { query: { q: "own" } })) found.push(key.key_id);
  assert.deepEqual(found, ["a", "b"]);
  assert.deepEqual(seen.map(({ url }) => url), ["/v1/keys?limit=1&q=own", "/v1/keys?limit=1&q=own&cursor=c1"]);
  const [files, asked] = await client([
    page([{ id: "f1" }], { has_more: true, last_id: "f1" }), page([{ id: "f2" }], { has_more: false }),
  ]);
  const first = await files.files.list({ limit: 1 });
  assert.deepEqual([first.data.length, first.hasNextPage(), first.object], [1, true, "list"]);
  assert.deepEqual((await first.getNextPage()).data, [{ id: "f2" }]);
  assert.equal(asked[1].url, "/v1/files?limit=1&after=f1");
  assert.equal(JSON.parse(JSON.stringify(first)).last_id, "f1");
});

test("an answer is also given raw, and with its headers", async () => {
  const [nexevo] = await client([json({ id: "c1" }, 200, { "x-nexevo-generation-id": "gen-1" })]);
  const { data, response, requestId } = await nexevo.chat.completions.create({ model: "m", messages }).withResponse();
  assert.deepEqual([data.id, response.headers.get("x-nexevo-generation-id"), requestId], ["c1", "gen-1", "trace-1"]);
  const raw = await nexevo.billing.balance().asResponse();
  assert.deepEqual([raw.status, await raw.json()], [200, { id: "c1" }]);
});

test("amounts of money stay the text that they are", async () => {
  const text = '{"balance_usd":"12345678901234567890.123456789012345678"}';
  const [nexevo, seen] = await client([
    (_, response) => response.writeHead(200, { "content-type": "application/json" }).end(text),
  ]);
  assert.equal((await nexevo.billing.balance()).balance_usd, "12345678901234567890.123456789012345678");
  await nexevo.billing.topup({ amount_usd: { toJSON: () => "0.1000000001" } });
  assert.equal(JSON.parse(seen[1].body).amount_usd, "0.1000000001");
});

test("files are sent as forms: bytes, blobs and streams, with names, lists and objects", async () => {
  const [nexevo, seen] = await client([json({ id: "f" })]);
  const path = join(mkdtempSync(join(tmpdir(), "nexevo-")), "voice.wav");
  writeFileSync(path, "sound");
  await nexevo.generation.uploads.upload(Buffer.from("image"), { filename: "a.png", contentType: "image/png" });
  await nexevo.audio.transcriptions.create({
    model: "m", file: createReadStream(path), timestamp_granularities: ["word", "segment"], stream: false,
  });
  await nexevo.files.create({ file: await sdk.toFile(new Blob(["text"]), "b.txt"), expires_after: { seconds: 60 } });
  const bodies = seen.map(({ body }) => body.toString());
  assert.match(bodies[0], /name="file"; filename="a.png"\r\nContent-Type: image\/png\r\n\r\nimage\r\n/);
  assert.match(bodies[1], /name="file"; filename="voice.wav"[^]*\r\n\r\nsound\r\n/);
  assert.match(bodies[1], /timestamp_granularities\[\]"\r\n\r\nword\r\n[^]*timestamp_granularities\[\]"\r\n\r\nsegment/);
  assert.match(bodies[2], /name="expires_after"\r\n\r\n\{"seconds":60\}/);
  assert.match(seen[0].headers["content-type"], /^multipart\/form-data; boundary=/);
});

test("what is no file, and what JSON lacks, is refused before it is sent", async () => {
  const [nexevo, seen] = await client([json({ id: "f" })]);
  for (const wrong of ["char.png", undefined, 7]) await assert.rejects(nexevo.generation.uploads.upload(wrong), TypeError);
  for (const content of [Buffer.from("x"), new Uint8Array(1), new Map([["a", 1]]), new Set([1]), new Blob(["x"])]) {
    const asked = nexevo.chat.completions.create({ model: "m", messages: [{ role: "user", content }] });
    await assert.rejects(asked, { name: "TypeError", message: `content: a ${content.constructor.name} cannot be sent as JSON` });
  }
  assert.equal(seen.length, 0);
  await nexevo.files.create({ file: new DataView(new TextEncoder().encode("{}").buffer), purpose: "batch" });
  assert.match(seen[0].body.toString(), /name="file"; filename="file"[^]*\r\n\r\n\{\}\r\n/);
});

test("the type of an answer is read in any case", async () => {
  const [nexevo] = await client([(_, response) => response.writeHead(200, { "content-type": "Application/JSON" }).end('{"a":1}')]);
  assert.deepEqual(await nexevo.billing.balance(), { a: 1 });
  const [streamed] = await client([(_, response) =>
    response.writeHead(200, { "content-type": "Text/Event-Stream" }).end(`${told(chunk("a"))}data: [DONE]\n\n`)]);
  assert.equal((await (await streamed.chat.completions.stream({ model: "m", messages })).final()).choices.length, 1);
});

test("a form is sent again whole", async () => {
  const [nexevo, seen] = await client([refusal(500), json({ id: "f" })]);
  await nexevo.generation.uploads.upload(new Uint8Array([1, 2, 3]));
  assert.equal(seen[1].body.length, seen[0].body.length);
});

test("sound is the answer of fetch, text is text", async () => {
  const [nexevo] = await client([(_, response) => response.writeHead(200, { "content-type": "audio/mpeg" }).end("sound")]);
  const sound = await nexevo.audio.speech.create({ model: "m", input: "a", voice: "b" });
  assert.equal(await sound.text(), "sound");
  const [other] = await client([(_, response) => response.writeHead(200, { "content-type": "text/csv" }).end("a,b")]);
  assert.equal(await other.billing.usage({ format: "csv" }), "a,b");
});

test("waiting tells of progress, and ends well, in failure, or by time", async () => {
  const job = (status, more = {}) => json({ id: "gen_1", status, progress: 50, ...more });
  const begun = json({ job_id: "gen_1", status: "pending" }, 202);
  const options = { pollIntervalSec: 0.001 };
  const [nexevo, seen] = await client([begun, job("running"), job("succeeded", { results: [{ url: "u" }] })]);
  const states = [];
  const onProgress = ({ status }) => states.push(status);
  const made = await nexevo.videos.generateAndWait({ model: "m", prompt: "p" }, { ...options, onProgress });
  assert.equal(made.results[0].url, "u");
  assert.deepEqual(states, ["running", "succeeded"]);
  assert.deepEqual(JSON.parse(seen[0].body), { model: "m", prompt: "p" });
  const [failing] = await client([begun, job("failed", { error: { message: "No." } })]);
  await assert.rejects(failing.models3d.generateAndWait({ model: "m" }, options),
    { name: "JobFailedError", message: "gen_1 has failed: No." });
  const [slow] = await client([begun, job("running")]);
  const error = await slow.videos.generateAndWait({ model: "m", prompt: "p" }, { ...options, timeoutSec: 0.05 })
    .then(assert.fail, (reason) => reason);
  assert.ok(error instanceof sdk.WaitTimeoutError);
  assert.equal(error.job.status, "running");
});

test("times that no wait can have are refused before anything is paid for", async () => {
  const [nexevo, seen] = await client([json({ id: "gen_1", job_id: "gen_1", status: "pending" })]);
  for (const times of [{ pollIntervalSec: -1 }, { pollIntervalSec: NaN }, { timeoutSec: NaN }]) {
    await assert.rejects(nexevo.videos.generateAndWait({ model: "m", prompt: "p" }, times), RangeError);
    await assert.rejects(nexevo.models3d.generateAndWait({ model: "m" }, times), RangeError);
    await assert.rejects(nexevo.agents.runAndWait({ task: "a" }, times), RangeError);
    await assert.rejects(nexevo.jobs.wait("gen_1", times), RangeError);
    await assert.rejects(nexevo.tasks.wait("task_1", times), RangeError);
  }
  assert.equal(seen.length, 0);
});

test("a run that was begun is waited for by its id, a new one is begun without a wait", async () => {
  const run = (status) => json({ id: "task_1", status });
  const [nexevo, seen] = await client([run("pending"), run("running"), run("failed")]);
  const ended = await nexevo.agents.runAndWait({ task: "a", wait: true }, { pollIntervalSec: 0.001 });
  assert.equal(ended.status, "failed");
  assert.deepEqual(JSON.parse(seen[0].body), { task: "a", wait: false });
  assert.equal((await nexevo.agents.runAndWait("task_1")).status, "failed");
  assert.equal(seen[3].url, "/v1/tasks/task_1");
});

test("the key is not shown by inspect, JSON or its members", async () => {
  const nexevo = new Nexevo({ apiKey: KEY });
  for (const shown of [inspect(nexevo, { depth: 9, showHidden: true }), JSON.stringify(nexevo), inspect(nexevo.chat),
    JSON.stringify(nexevo.chat), JSON.stringify({ ...nexevo })]) {
    assert.ok(!shown.includes(KEY.slice(7)), shown);
  }
  assert.match(inspect(nexevo), /Nexevo.*sk-xc-…/s);
});

test("a printed answer shows no secret, which code reads and JSON keeps", async () => {
  const made = { full_key: KEY, key: { key_id: "key_1", name: "a" } };
  const [nexevo] = await client([json(made)]);
  const answer = await nexevo.keys.create({ name: "a" });
  assert.equal(inspect(answer), "{ full_key: '…', key: { key_id: 'key_1', name: 'a' } }");
  assert.ok(!inspect([{ answer }], { depth: 9, showHidden: true }).includes(KEY));
  assert.deepEqual([answer.full_key, JSON.parse(JSON.stringify(answer))], [KEY, made]);
  assert.deepEqual(answer, made);
  const { data } = await nexevo.keys.create({ name: "a" }).withResponse();
  assert.ok(!inspect(data).includes(KEY));
  const [other] = await client([json({ secret: null, value: KEY })]);
  assert.equal(inspect(await other.webhooks.getSecret()), `{ secret: null, value: '${KEY}' }`);
  const [session] = await client([json({ value: KEY, session: { type: "realtime" } })]);
  assert.ok(!inspect(await session.realtime.clientSecrets.create({})).includes(KEY));
});

test("without a key nothing is sent, but by what needs none", async () => {
  process.env.NEXEVO_API_KEY = "sk-xc-of-the-environment";
  // A key that is empty by mistake is not the environment's.
  const [empty] = await client([], { apiKey: "" });
  await assert.rejects(empty.billing.balance(), /NEXEVO_API_KEY/);
  delete process.env.NEXEVO_API_KEY;
  const [nexevo, seen] = await client([json({ status: "ok" })], { apiKey: null });
  await assert.rejects(nexevo.billing.balance(), /NEXEVO_API_KEY/);
  assert.deepEqual(await nexevo.health(), { status: "ok" });
  assert.equal(seen[0].headers.authorization, undefined);
  await nexevo.withOptions({ apiKey: KEY }).health();
  assert.equal(seen[1].headers.authorization, undefined);
});

test("a browser is refused a key, unless it is asked for", () => {
  globalThis.window = { document: {} };
  try {
    assert.throws(() => new Nexevo({ apiKey: KEY }), /dangerouslyAllowBrowser/);
    new Nexevo({ apiKey: KEY, dangerouslyAllowBrowser: true });
    new Nexevo({ apiKey: null });
  } finally {
    delete globalThis.window;
  }
});

test("ids in paths are encoded, and one that is empty or leads to another path is refused", async () => {
  const [nexevo, seen] = await client([json({})]);
  await nexevo.keys.get("a/b?c");
  await nexevo.models.get("aws/claude");
  assert.deepEqual(seen.map(({ url }) => url), ["/v1/keys/a%2Fb%3Fc", "/v1/models/aws/claude"]);
  for (const wrong of ["", ".."]) assert.throws(() => nexevo.keys.get(wrong), TypeError);
  for (const wrong of ["..", "../keys/key_1", "a/../../keys/key_1", "a/./b", "a/.."]) {
    assert.throws(() => nexevo.memory.delete(wrong), TypeError);
  }
  assert.equal(seen.length, 2);
});

test("options of a client can be changed for some requests", async () => {
  const [nexevo, seen] = await client([json({})]);
  await nexevo.withOptions({ defaultHeaders: { "x-a": "1" }, defaultQuery: { q: 1 } }).billing.balance();
  assert.deepEqual([seen[0].headers["x-a"], seen[0].url, seen[0].headers.authorization],
    ["1", "/v1/billing/balance?q=1", `Bearer ${KEY}`]);
});

test("an organization can be named by text alone", async () => {
  const [nexevo, seen] = await client([json({})]);
  await nexevo.organizations.create("Acme Inc");
  await nexevo.organizations.create({ name: "Acme Inc" });
  for (const { body } of seen) assert.deepEqual(JSON.parse(body), { name: "Acme Inc" });
});

test("a webhook is verified by its signature and its time", async () => {
  const { webhooks } = new Nexevo({ apiKey: KEY });
  const secret = `whsec_${Buffer.from("a secret of the webhooks").toString("base64")}`;
  const payload = '{"type":"job.succeeded","text":"世界"}';
  const signed = (at, text = payload) => ({
    "Webhook-Id": "msg_1", "webhook-timestamp": String(at),
    "webhook-signature": `v2,AAAA v1,${createHmac("sha256", "a secret of the webhooks").update(`msg_1.${at}.${text}`).digest("base64")}`,
  });
  const now = Math.floor(Date.now() / 1000);
  assert.equal((await webhooks.verify(payload, signed(now), secret)).type, "job.succeeded");
  assert.equal((await webhooks.verify(Buffer.from(payload), new Headers(signed(now)), secret)).text, "世界");
  const wrong = [
    [signed(now, "{}"), secret], [signed(now - 400), secret], [signed(now + 400), secret], [{}, secret], [signed(now), "whsec_%"],
    [signed(now), "whsec_AAAA"], [{ ...signed(now), "webhook-signature": "v1" }, secret],
    [{ ...signed(now), "webhook-signature": signed(now)["webhook-signature"].replace("v1,", "v1a,") }, secret],
  ];
  for (const [headers, key] of wrong) {
    await assert.rejects(webhooks.verify(payload, headers, key), sdk.WebhookVerificationError);
  }
});

test("the package is one for import and require", () => {
  const required = createRequire(import.meta.url)("@nexevo/sdk");
  assert.deepEqual(Object.keys(required).filter((name) => name !== "__esModule").sort(), Object.keys(sdk).sort());
});

for (const name of ["key", "Authorization", "x-note"]) {
  test(`a header that cannot be sent is refused without its value: ${name}`, async () => {
    const wrong = `${KEY}\nsecond line`;
    const [nexevo, seen] = await client([json({})], name === "key" ? { apiKey: wrong } : { defaultHeaders: { [name]: wrong } });
    await assert.rejects(nexevo.models.list(), (error) => {
      assert.ok(error instanceof sdk.NexevoError);
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(KEY));
      return true;
    });
    assert.equal(seen.length, 0);
  });
}

test("a key with letters that no header carries is refused, and one with its line's end is taken", async () => {
  const [wrong] = await client([json({})], { apiKey: "ключ" });
  await assert.rejects(wrong.models.list(), (error) => error instanceof sdk.NexevoError && /API key/.test(error.message));
  const [nexevo, seen] = await client([json({ data: [] })], { apiKey: `${KEY}\n` });
  await nexevo.models.list();
  assert.equal(seen[0].headers.authorization, `Bearer ${KEY}`);
});

test("an address without its scheme is refused, and a failed connection names its host", async () => {
  for (const baseURL of ["127.0.0.1:8080/v1", "localhost:8080/v1", "http://", "http://[::1", "ftp://a.test"]) {
    assert.throws(() => new Nexevo({ apiKey: KEY, baseURL }), sdk.NexevoError);
  }
  const isRefusedUnseen = (error) => error instanceof sdk.NexevoError && !error.message.includes("sesame");
  assert.throws(() => new Nexevo({ apiKey: KEY, baseURL: "http://me:sesame@a.test/v1" }), isRefusedUnseen);
  const fetch = () => Promise.reject(new TypeError("fetch failed"));
  const nexevo = new Nexevo({ apiKey: KEY, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch });
  await assert.rejects(nexevo.models.list(), /gateway\.test/);
});

const odd = (content, media) => (_, response) => {
  response.writeHead(200, { "content-type": media, "x-trace-id": "trace-1" });
  response.end(content);
};
const isUnreadable = (error) => error instanceof sdk.APIError && error.requestId === "trace-1" && /trace-1/.test(error.message);

for (const content of ["", '{"a":', "null", "[1]", "<p>Welcome"]) {
  test(`a good answer that is not the gateway's is an error with the request's id: ${content}`, async () => {
    const [nexevo] = await client([odd(content, content.startsWith("<") ? "text/html" : "application/json")]);
    await assert.rejects(nexevo.models.list(), isUnreadable);
    await assert.rejects(nexevo.chat.completions.create({ model: "m", messages }), isUnreadable);
    await assert.rejects(nexevo.videos.generateAndWait({ model: "m", prompt: "x" }), isUnreadable);
    await assert.rejects(nexevo.chat.completions.create({ model: "m", messages, stream: true }), isUnreadable);
    const told = await nexevo.chat.completions.stream({ model: "m", messages });
    await assert.rejects(told.final(), isUnreadable);
  });
}

test("an event that is no JSON is an error with the request's id", async () => {
  const [nexevo] = await client([odd('data: {"id"\n\n', "text/event-stream")]);
  const told = await nexevo.chat.completions.stream({ model: "m", messages });
  await assert.rejects(told.final(), isUnreadable);
});

test("a number that JSON lacks is not sent as null", async () => {
  const [nexevo, seen] = await client([json({})]);
  await assert.rejects(nexevo.chat.completions.create({ model: "m", messages, temperature: NaN }), /temperature/);
  assert.equal(seen.length, 0);
});

test("a webhook is not verified without a secret", async () => {
  const [nexevo] = await client([json({})]);
  const at = String(Math.floor(Date.now() / 1000));
  const forged = { "webhook-id": "m", "webhook-timestamp": at, "webhook-signature": `v1,${createHmac("sha256", "").update(`m.${at}.{}`).digest("base64")}` };
  for (const secret of [undefined, "", "whsec_"]) {
    await assert.rejects(nexevo.webhooks.verify("{}", forged, secret), sdk.WebhookVerificationError);
  }
});
