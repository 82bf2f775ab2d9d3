// The official OpenAI SDK for Node.js on files, and a chat that reads one.
import OpenAI, { toFile } from "openai";
import { apiKey, failure, report, rootURL } from "./report.mjs";

const client = new OpenAI({ baseURL: `${rootURL}/v1`, apiKey, maxRetries: 0 });

const see = async (model) => {
  const file = await client.files.create({ file: await toFile(Buffer.from("# Notes\n"), "notes.md"), purpose: "user_data" });
  const content = [{ type: "text", text: "What is this?" }, { type: "file", file: { file_id: file.id } }];
  const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
  const ids = [];
  for await (const one of client.files.list({ limit: 1 })) ids.push(one.id);
  return {
    name: file.filename,
    found: (await client.files.retrieve(file.id)).id === file.id,
    listed: ids.includes(file.id),
    text: await (await client.files.content(file.id)).text(),
    answer: answer.choices[0].message.content,
    deleted: (await client.files.delete(file.id)).deleted,
    gone: await failure(client.files.retrieve(file.id)),
  };
};

await report(see, {});
