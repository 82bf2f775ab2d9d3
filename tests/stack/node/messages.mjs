// Anthropic's official SDK for Node.js.
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { apiKey, drained, failure, person, question, report, rootURL, weather } from "./report.mjs";

const client = new Anthropic({ baseURL: rootURL, apiKey, maxRetries: 0 });
const { messages } = client;
const says = (content) => [{ role: "user", content }];
const tools = [{ name: "get_weather", description: "Get the weather for a city", input_schema: weather }];
const text = (message) => message.content.map((block) => block.text ?? "").join("");

const see = async (model) => {
  const asked = { model, max_tokens: 500, messages: says("Hello!") };
  const whole = await messages.create(asked);
  const streamed = await messages.stream(asked).finalMessage();
  const turn = await messages.stream({ ...asked, messages: says(question), tools }).finalMessage();
  const call = turn.content.find((block) => block.type === "tool_use");
  const result = { type: "tool_result", tool_use_id: call.id, content: "sunny" };
  const history = [...says(question), { role: "assistant", content: turn.content }, ...says([result])];
  const answer = await messages.create({ ...asked, messages: history, tools });
  const run = betaTool({
    name: "get_weather", description: "Get the weather for a city", inputSchema: weather, run: () => "foggy",
  });
  const ran = await client.beta.messages.toolRunner({ ...asked, messages: says(question), tools: [run] });
  return {
    id: whole.id,
    model: whole.model,
    ended: whole.stop_reason,
    text: text(whole),
    streamed: text(streamed),
    tokens: whole.usage.output_tokens,
    streamed_tokens: streamed.usage.output_tokens,
    tool: call.name,
    arguments: call.input,
    answer: text(answer),
    ran: text(ran),
    counted: (await messages.countTokens({ model, messages: says("Hello!") })).input_tokens,
    prompt_tokens: whole.usage.input_tokens,
    broken_provider: await failure(messages.create({ ...asked, messages: says("[[sim: status=500]]") })),
    broken_stream: await failure(
      messages.stream({ ...asked, messages: says("[[sim: chunks=20 chunk_ms=10 error_after=5]]") }).finalMessage(),
    ),
  };
};

const thinking = await messages
  .stream({
    model: "claude-haiku-4-5", max_tokens: 2000, messages: says("Hello!"),
    thinking: { type: "enabled", budget_tokens: 1024 },
  })
  .finalMessage();
const structured = await messages.create({
  model: "claude-haiku-4-5", max_tokens: 500, messages: says("Hello!"),
  output_config: { format: { type: "json_schema", schema: person } },
});
const hello = { max_tokens: 5, messages: says("Hello!") };
await report(see, {
  structured: JSON.parse(text(structured)),
  blocks: thinking.content.map((block) => block.type),
  signed: Boolean(thinking.content[0].signature),
  not_found: await failure(messages.create({ ...hello, model: "claude-nothing" })),
  request_id: await messages.create({ ...hello, model: "claude-nothing" }).catch((error) => error.requestID),
  bad_request: await failure(messages.create({ ...hello, model: "gpt-4o", messages: [] })),
  stranger: await failure(new Anthropic({ baseURL: rootURL, apiKey: "sk-no" }).models.list()),
  listed: (await drained(client.models.list({ limit: 5 }))).map((row) => row.id),
});
