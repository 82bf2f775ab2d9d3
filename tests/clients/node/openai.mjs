// The official OpenAI SDK for Node.js, unmodified: prints what it saw as one JSON line, for the test to judge.
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const model = "gpt-4o";
const hello = [{ role: "user", content: "Hello!" }];
const seen = {};

const whole = await client.chat.completions.create({ model, messages: hello });
seen.text = whole.choices[0].message.content;
seen.total_tokens = whole.usage.total_tokens;

let streamed = "";
let usage = null;
const stream = await client.chat.completions.create({
  model, messages: hello, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
seen.streamed = streamed;
seen.streamed_total_tokens = usage.total_tokens;

const tools = [{
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
}];
const called = client.chat.completions.stream({
  model, messages: [{ role: "user", content: "What is the weather in Tokyo?" }], tools,
});
const call = (await called.finalChatCompletion()).choices[0].message.tool_calls[0];
seen.tool = call.function.name;
seen.arguments = Object.keys(JSON.parse(call.function.arguments));

const failure = async (promise) => promise.then(() => "none", (error) => `${error.constructor.name} ${error.status}`);
seen.not_found = await failure(client.chat.completions.create({ model: "gpt-nothing", messages: hello }));
seen.bad_request = await failure(client.chat.completions.create({ model, messages: hello, temperature: 9 }));
seen.broken_provider = await failure(
  client.chat.completions.create({ model, messages: [{ role: "user", content: "[[sim: status=500]]" }] }),
);
const breaking = await client.chat.completions.create({
  model, messages: [{ role: "user", content: "[[sim: chunks=20 chunk_ms=10 error_after=5]]" }], stream: true,
});
seen.broken_stream = await failure((async () => { for await (const _ of breaking); })());
seen.models = (await client.models.list()).data.map((row) => row.id).filter((id) => id.startsWith("nexevo/"));

console.log(JSON.stringify(seen));
