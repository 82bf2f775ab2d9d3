// Holds a realtime session with OpenAI's client for Node.js, and prints what it has seen.
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const [, , rootUrl, realtimeUrl, apiKey, model] = process.argv;
const client = new OpenAI({ apiKey, baseURL: `${rootUrl}/v1`, maxRetries: 0 });
const secret = await client.realtime.clientSecrets.create({ session: { type: "realtime", model } });

async function talk(key) {
  const session = new OpenAIRealtimeWS({ model }, new OpenAI({ apiKey: key, baseURL: `${realtimeUrl}/v1` }));
  const seen = [];
  return await new Promise((resolve, reject) => {
    session.on("error", reject);
    session.on("event", (event) => {
      seen.push(event.type);
      if (event.type === "session.created") {
        session.send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"] } });
        const content = [{ type: "input_text", text: "Hello from Node" }];
        session.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
        session.send({ type: "response.create" });
      }
      if (event.type === "response.done") {
        session.close();
        resolve({ status: event.response.status, text: event.response.output[0].content[0].text, seen });
      }
    });
  });
}

console.log(JSON.stringify({ key: await talk(apiKey), secret: await talk(secret.value) }));
