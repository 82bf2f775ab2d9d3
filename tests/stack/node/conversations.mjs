// The official OpenAI SDK for Node.js on conversations, and a response that goes on from one.
import OpenAI from "openai";
import { apiKey, failure, report, rootURL } from "./report.mjs";

const client = new OpenAI({ baseURL: `${rootURL}/v1`, apiKey, maxRetries: 0 });

const see = async (model) => {
  const made = await client.conversations.create({ metadata: { topic: "demo" }, items: [{ role: "user", content: "Hello!" }] });
  const answer = await client.responses.create({ model, conversation: made.id, input: "And?" });
  await client.conversations.items.create(made.id, { items: [{ role: "user", content: "Thanks." }] });
  const roles = [];
  let last;
  for await (const item of client.conversations.items.list(made.id, { limit: 1, order: "asc" })) {
    roles.push(item.role);
    last = item;
  }
  const found = await client.conversations.items.retrieve(last.id, { conversation_id: made.id });
  await client.conversations.items.delete(last.id, { conversation_id: made.id });
  return {
    conversation: answer.conversation.id === made.id,
    roles,
    found: found.content[0].text,
    left: (await client.conversations.items.list(made.id)).data.length,
    metadata: (await client.conversations.update(made.id, { metadata: { topic: "x" } })).metadata,
    object: (await client.conversations.retrieve(made.id)).object,
    deleted: (await client.conversations.delete(made.id)).deleted,
    gone: await failure(client.conversations.retrieve(made.id)),
  };
};

await report(see, {});
