// Plays scripts in sessions of OpenAI's realtime clients for Node.js, and prints the events of each as JSON.
//
// node realtime.mjs ws|websocket ROOT_URL REALTIME_URL API_KEY FILE, a JSON of {MODEL: {SCRIPT: {steps, secret}}}
import { readFileSync } from "node:fs";
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { play } from "./realtime_play.mjs";

const [, , client, rootUrl, realtimeUrl, apiKey, scripts] = process.argv;
const asking = new OpenAI({ apiKey, baseURL: `${rootUrl}/v1`, maxRetries: 0 });
const Session = { ws: OpenAIRealtimeWS, websocket: OpenAIRealtimeWebSocket }[client];

async function played(model, script) {
  const secret = script.secret && (await asking.realtime.clientSecrets.create({ session: script.secret }));
  const connecting = new OpenAI({ apiKey: secret?.value ?? apiKey, baseURL: `${realtimeUrl}/v1` });
  return await play(new Session({ model }, connecting), script);
}

// The models at once, since most of a session is waiting; each model's sessions one after another.
const told = {};
async function every([model, named]) {
  told[model] = {};
  for (const [name, script] of Object.entries(named)) {
    told[model][name] = await played(model, script).catch(String);
  }
}
await Promise.all(Object.entries(JSON.parse(readFileSync(scripts))).map(every));
console.log(JSON.stringify(told));
