// Runs an agent in a realtime session of OpenAI's Agents SDK: asked in words it runs its tool; then another
// one takes over, whose story is interrupted by speech, which it answers.
//
// node realtime_agent.mjs REALTIME_URL MODEL QUESTION; the key is in OPENAI_API_KEY.
import { execSync } from "node:child_process";
import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const [, , realtimeUrl, model, question] = process.argv;
const hangsAfterMs = 60_000;
const frame = (level) => new Int16Array(480).fill(level).buffer;
const fail = (error) => {
  console.error(error);
  process.exit(1);
};

const shell = tool({
  name: "shell",
  description: "Runs a command.",
  parameters: {
    type: "object",
    properties: { command: { type: "string" } },
    required: ["command"],
    additionalProperties: false,
  },
  execute: ({ command }) => execSync(command).toString() || "done",
});
const agent = new RealtimeAgent({ name: "Writer", instructions: "You write greetings.", tools: [shell] });
const teller = new RealtimeAgent({ name: "Teller", instructions: "You tell stories." });
const turnDetection = { type: "server_vad", silenceDurationMs: 300 };
const session = new RealtimeSession(agent, {
  transport: "websocket",
  model,
  config: { audio: { input: { turnDetection } } },
});
session.on("error", ({ error }) => fail(error));
setTimeout(() => fail("no end"), hangsAfterMs);
const once = (name) => new Promise((resolve) => session.once(name, (...given) => resolve(given)));
// The model's complete message behind an item of the history.
const answered = (to) =>
  new Promise((resolve) =>
    session.on("history_updated", (history) => {
      const at = history.findIndex(to);
      if (at >= 0 && history.slice(at).some(({ role, status }) => role === "assistant" && status === "completed")) resolve();
    }),
  );
const called = answered(({ type }) => type === "function_call");
const heard = answered(({ role, content }) => role === "user" && content.some(({ transcript }) => /I heard/.test(transcript)));

await session.connect({ apiKey: process.env.OPENAI_API_KEY, url: `${realtimeUrl}/v1/realtime?model=${model}` });
session.sendMessage(question);
await called;
await session.updateAgent(teller);
session.sendMessage("[[sim: chunk_ms=50 chunks=80]] Tell me a story.");
await once("audio");
const interrupted = once("audio_interrupted");
for (let number = 0; number < 10; number++) session.sendAudio(frame(8000));
await interrupted;
for (let number = 0; number < 20; number++) session.sendAudio(frame(0));
await heard;
session.close();
process.exit(0);
