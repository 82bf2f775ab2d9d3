// The official OpenAI SDK for Node.js on Responses.
import OpenAI from "openai";
import { apiKey, drained, failure, person, question, report, rootURL, weather } from "./report.mjs";

const client = new OpenAI({ baseURL: `${rootURL}/v1`, apiKey, maxRetries: 0 });
const tools = [{ type: "function", name: "get_weather", parameters: weather, strict: false }];

const see = async (model) => {
  const whole = await client.responses.create({ model, input: "Hello!" });
  const streamed = await client.responses.stream({ model, input: "Hello!" }).finalResponse();
  const turn = await client.responses.stream({ model, input: question, tools }).finalResponse();
  const call = turn.output.find((item) => item.type === "function_call");
  const output = [{ type: "function_call_output", call_id: call.call_id, output: "sunny" }];
  const answer = await client.responses.create({ model, previous_response_id: turn.id, input: output, tools });
  return {
    id: whole.id,
    model: whole.model,
    ended: whole.status,
    text: whole.output_text,
    streamed: streamed.output_text,
    tokens: whole.usage.total_tokens,
    streamed_tokens: streamed.usage.total_tokens,
    tool: call.name,
    arguments: JSON.parse(call.arguments),
    answer: answer.output_text,
    kept: (await client.responses.retrieve(answer.id)).output_text,
    broken_provider: await failure(client.responses.create({ model, input: "[[sim: status=500]]" })),
    broken_stream: await failure(
      client.responses.create({ model, input: "[[sim: chunks=20 chunk_ms=10 error_after=5]]", stream: true }).then(drained),
    ),
  };
};

const format = { type: "json_schema", name: "person", strict: true, schema: person };
const thinking = await client.responses.create({
  model: "o4-mini", input: "Hello!", reasoning: { effort: "low" }, store: false, include: ["reasoning.encrypted_content"],
});
await report(see, {
  structured: JSON.parse((await client.responses.create({ model: "gpt-4o", input: "Hello!", text: { format } })).output_text),
  items: thinking.output.map((item) => item.type),
  not_found: await failure(client.responses.create({ model: "gpt-nothing", input: "Hello!" })),
  bad_request: await failure(client.responses.create({ model: "gpt-4o", input: "Hello!", temperature: 9 })),
  unknown_turn: await failure(
    client.responses.create({ model: "gpt-4o", input: "Hello!", previous_response_id: "resp_nxn-none" }),
  ),
});
