// The samples of the product's pages, and the rest of the surface, against a running gateway.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { test } from "node:test";
import { AuthenticationError, BadRequestError, Nexevo, NotFoundError } from "@nexevo/sdk";

const skip = process.env.NEXEVO_BASE_URL ? false : "NEXEVO_BASE_URL names no gateway";
const client = skip ? null : new Nexevo();
const hello = [{ role: "user", content: "Hello!" }];
const quick = { pollIntervalSec: 0.2, timeoutSec: 60 };
const onStack = (name, run) => test(name, { skip }, run);
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

onStack("chat answers, streams, and calls tools", async () => {
  const resp = await client.chat.completions.create({
    model: "nexevo/balanced",
    messages: [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content: "Explain quantum entanglement" },
    ],
    temperature: 0.7,
    max_tokens: 500,
  });
  assert.ok(resp.choices[0].message.content);
  assert.match(resp.nexevo.generation_id, /./);
  const stream = await client.chat.completions.create({ model: "nexevo/balanced", messages: hello, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  assert.ok(text);
  const counted = { model: "gpt-4o", messages: hello, stream_options: { include_usage: true } };
  assert.ok((await (await client.chat.completions.stream(counted)).final()).usage.total_tokens > 0);
  const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
  const messages = [{ role: "user", content: "What's the weather in Tokyo?" }];
  const called = await client.chat.completions.create({ model: "nexevo/balanced", messages, tools });
  assert.equal(called.choices[0].message.tool_calls[0].function.name, "get_weather");
  const streamed = await (await client.chat.completions.stream({ model: "gpt-4o", messages, tools })).final();
  assert.deepEqual(JSON.parse(streamed.choices[0].message.tool_calls[0].function.arguments), { city: "Tokyo" });
});

onStack("the other text wires answer and stream", async () => {
  const input = "Hello!";
  const response = await client.responses.create({ model: "gpt-4o", input });
  assert.equal((await client.responses.get(response.id)).id, response.id);
  let last;
  for await (const event of await client.responses.create({ model: "gpt-4o", input, stream: true })) last = event.type;
  assert.equal(last, "response.completed");
  const asked = { model: "claude-haiku-4-5", max_tokens: 50, messages: hello };
  assert.ok((await client.messages.create(asked)).content[0].text);
  for await (const event of await client.messages.create({ ...asked, stream: true })) last = event.type;
  assert.equal(last, "message_stop");
  assert.ok((await client.messages.countTokens({ model: "claude-haiku-4-5", messages: hello })).input_tokens > 0);
  assert.ok((await client.completions.create({ model: "gpt-4o", prompt: "Hello!" })).choices[0].text);
});

onStack("a search is embedded, ranked and answered", async () => {
  const documents = ["VPN servers", "Reset the VPN in the portal", "Lunch"];
  const embedded = await client.embeddings.create({ model: "nexevo/embed-balanced", input: documents });
  assert.equal(embedded.data.length, 3);
  const ranked = await client.rerank.create({ model: "rerank-v3.5", query: "How do I reset my VPN?", documents, top_n: 2 });
  assert.equal(ranked.results.length, 2);
  assert.equal(typeof ranked.results[0].relevance_score, "number");
});

onStack("images, videos and 3D models are made", async () => {
  const images = await client.images.generate({ model: "nexevo/image-balanced", prompt: "a garden", n: 1, size: "1024x1024" });
  assert.ok(images.data[0].url);
  const up = await client.generation.uploads.upload(Buffer.from(PIXEL, "base64"), {
    filename: "char.png",
    contentType: "image/png",
  });
  const seen = [];
  const options = { ...quick, onProgress: ({ status }) => seen.push(status) };
  const [job, asset] = await Promise.all([
    client.videos.generateAndWait(
      { model: "runway-gen4", prompt: "zoom in slowly", duration_sec: 5, reference_image_url: up.url }, options),
    client.models3d.generateAndWait({ model: "hunyuan-3d-2", prompt: "a longboat", output_format: "glb" }, quick),
  ]);
  assert.ok(job.results[0].url && asset.results[0].url);
  assert.equal(typeof job.charged_usd, "string");
  assert.equal(seen.at(-1), "succeeded");
  const listed = [];
  for await (const each of client.jobs.list({ limit: 1 })) listed.push(each.id);
  assert.ok(listed.includes(job.id) && listed.includes(asset.id));
});

onStack("speech is spoken and written down", async () => {
  const speech = { model: "tts-1", input: "Hello!", voice: "alloy", response_format: "wav" };
  const sound = await (await client.audio.speech.create(speech)).arrayBuffer();
  assert.equal(Buffer.from(sound).toString("latin1", 0, 4), "RIFF");
  const file = new File([sound], "hello.wav", { type: "audio/wav" });
  assert.ok((await client.audio.transcriptions.create({ model: "whisper-1", file })).text);
  const text = await client.audio.transcriptions.create({ model: "whisper-1", file, response_format: "text" });
  assert.equal(typeof text, "string");
});

onStack("agents run, stream and are waited for", async () => {
  const job = await client.agents.run({ task: "Say hello.", model: "nexevo/balanced", max_steps: 3 });
  assert.equal(job.status, "succeeded");
  const submitted = await client.agents.run({ task: "Say hello.", wait: false });
  assert.equal((await client.agents.runAndWait(submitted.id, quick)).status, "succeeded");
  const types = [];
  for await (const event of client.agents.runStream({ task: "Say hello." })) types.push(event.type);
  assert.equal(types.at(-1), "done");
  const again = [];
  for await (const event of client.agents.resumeStream(`${submitted.id}:0`)) again.push(event.type);
  assert.equal(again.at(-1), "done");
  const task = await client.tasks.submit({ goal: "Say hello.", wait: false, deadline_sec: 60 });
  assert.equal((await client.tasks.wait(task.id, quick)).status, "succeeded");
});

onStack("conversations and memory are kept", async () => {
  const conv = await client.conversations.create({ title: "My Session" });
  await client.conversations.appendMessage(conv.conversation_id, { role: "user", content: "Hello!" });
  const ids = [];
  for await (const each of client.conversations.list({ limit: 20 })) ids.push(each.conversation_id);
  assert.ok(ids.includes(conv.conversation_id));
  assert.equal((await client.conversations.get(conv.conversation_id)).messages.length, 1);
  await client.conversations.delete(conv.conversation_id);
  await assert.rejects(client.conversations.get(conv.conversation_id), NotFoundError);
  assert.ok(Array.isArray((await client.memory.list()).data));
});

onStack("keys are made, changed and deleted", async () => {
  const made = await client.keys.create({ name: "prod-2026" });
  assert.match(made.full_key, /^sk-xc-/);
  const capped = await client.keys.updateSpendCap(made.key.key_id, { monthly_spend_cap_usd: "100.10" });
  assert.equal(Number(capped.monthly_spend_cap_usd), 100.1);
  assert.equal(typeof capped.monthly_spend_cap_usd, "string");
  await client.keys.updateAlertWebhook(made.key.key_id, { url: "https://your-app.com/billing-alert" });
  assert.ok((await client.withOptions({ apiKey: made.full_key }).models.list()).data.length > 0);
  await client.keys.delete(made.key.key_id);
});

onStack("money is told as text", async () => {
  const balance = await client.billing.balance();
  assert.match(balance.balance_usd, /^-?\d+(\.\d+)?$/);
  assert.ok(await client.billing.usage({ days: 7 }));
  assert.match(await client.billing.usage({ days: 7, format: "csv" }), /,/);
  assert.ok(await client.billing.getPlan());
  assert.ok("hint" in (await client.billing.upgradeHint()));
  const once = { amount_usd: 20, idempotency_key: `topup-${randomUUID()}` };
  const [session, same] = [await client.billing.checkout(once), await client.billing.checkout(once)];
  assert.equal(session.checkout_url, same.checkout_url);
});

onStack("feedback is given to an answer", async () => {
  const resp = await client.chat.completions.create({ model: "nexevo/balanced", messages: hello });
  const generation_id = resp.nexevo.generation_id;
  await client.feedback.submit({ generation_id, rating: 1, comment: "Helpful!", tags: ["accurate"] });
  assert.ok(await client.feedback.summary({ days: 7 }));
});

onStack("the account tells of itself", async () => {
  assert.ok(await client.auth.me());
  assert.ok(await client.auth.twoFaStatus());
  assert.equal((await client.health()).status, "ok");
  assert.equal((await client.openapi()).openapi, "3.1.0");
});

onStack("a webhook signed by the account's secret is verified", async () => {
  const { secret } = await client.webhooks.getSecret();
  const [payload, at] = ['{"type":"job.succeeded"}', String(Math.floor(Date.now() / 1000))];
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signature = createHmac("sha256", key).update(`m.${at}.${payload}`).digest("base64");
  const headers = { "webhook-id": "m", "webhook-timestamp": at, "webhook-signature": `v1,${signature}` };
  assert.deepEqual(await client.webhooks.verify(payload, headers, secret), { type: "job.succeeded" });
});

onStack("refusals are errors by their kind, and an Idempotency-Key makes a repeat harmless", async () => {
  await assert.rejects(client.chat.completions.create({ model: "gpt-nothing", messages: hello }), NotFoundError);
  await assert.rejects(
    client.chat.completions.create({ model: "gpt-4o", messages: hello, temperature: 9 }),
    (error) => error instanceof BadRequestError && error.param === "temperature" && Boolean(error.requestId),
  );
  await assert.rejects(client.withOptions({ apiKey: "sk-no" }).models.list(), AuthenticationError);
  const ask = () => client.chat.completions.create({ model: "gpt-4o", messages: hello }, { idempotencyKey: key });
  const key = randomUUID();
  assert.equal((await ask()).id, (await ask()).id);
});
