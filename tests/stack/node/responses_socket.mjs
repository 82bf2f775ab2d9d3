// Asks for two responses over one socket with OpenAI's client for Node.js, and prints what they were.
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";

const [, , realtimeUrl, apiKey, model] = process.argv;
const socket = new ResponsesWS(new OpenAI({ apiKey, baseURL: `${realtimeUrl}/v1` }));
const ended = [];
const ask = (given) => socket.send({ type: "response.create", model, store: false, ...given });

await new Promise((resolve, reject) => {
  socket.on("error", reject);
  socket.on("response.completed", ({ response }) => {
    ended.push({ status: response.status, text: response.output[0].content[0].text });
    if (ended.length === 2) resolve();
    else ask({ input: "Again from Node", previous_response_id: response.id });
  });
  ask({ input: "Hello from Node" });
});
socket.close();
console.log(JSON.stringify(ended));
