// The official OpenAI SDK for Node.js on Chat Completions.
import OpenAI from "openai";
import { apiKey, drained, failure, person, question, report, rootURL, weather } from "./report.mjs";

const client = new OpenAI({ baseURL: `${rootURL}/v1`, apiKey, maxRetries: 0 });
const chat = client.chat.completions;
const says = (content) => [{ role: "user", content }];
const tools = [{ type: "function", function: { name: "get_weather", parameters: weather } }];

const see = async (model) => {
  const whole = await chat.create({ model, messages: says("Hello!") });
  const chunks = await drained(
    await chat.create({ model, messages: says("Hello!"), stream: true, stream_options: { include_usage: true } }),
  );
  const turn = (await chat.stream({ model, messages: says(question), tools }).finalChatCompletion()).choices[0].message;
  const [call] = turn.tool_calls;
  const result = { role: "tool", tool_call_id: call.id, content: "sunny" };
  const answer = await chat.create({ model, messages: [...says(question), turn, result], tools });
  return {
    id: whole.id,
    model: whole.model,
    ended: whole.choices[0].finish_reason,
    text: whole.choices[0].message.content,
    streamed: chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join(""),
    tokens: whole.usage.total_tokens,
    streamed_tokens: chunks.at(-1).usage.total_tokens,
    tool: call.function.name,
    arguments: JSON.parse(call.function.arguments),
    answer: answer.choices[0].message.content,
    broken_provider: await failure(chat.create({ model, messages: says("[[sim: status=500]]") })),
    broken_stream: await failure(
      chat.create({ model, messages: says("[[sim: chunks=20 chunk_ms=10 error_after=5]]"), stream: true }).then(drained),
    ),
  };
};

const structured = await chat.create({
  model: "gpt-4o",
  messages: says("Hello!"),
  response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema: person } },
});
await report(see, {
  structured: JSON.parse(structured.choices[0].message.content),
  not_found: await failure(chat.create({ model: "gpt-nothing", messages: says("Hello!") })),
  bad_request: await failure(chat.create({ model: "gpt-4o", messages: says("Hello!"), temperature: 9 })),
  stranger: await failure(client.withOptions({ apiKey: "sk-no" }).models.list()),
  listed: (await drained(client.models.list())).map((row) => row.id),
});
