// Types as a caller meets them: what should compile, and what should not. It is compiled, never run.
import Nexevo, { type Decimal, type Page, type Stream, type types, WaitTimeoutError } from "@nexevo/sdk";

const client = new Nexevo({ apiKey: "sk-xc-a", timeout: 1000 });
const messages = [{ role: "user" as const, content: "Hello!" }];

export async function compiles(isStreamed: boolean): Promise<void> {
  const answer = await client.chat.completions.create({ model: "nexevo/balanced", messages });
  const text: string | null | undefined = answer.choices[0]?.message.content;
  const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
  for await (const chunk of stream) chunk satisfies types.ChatCompletionChunk;
  const either = await client.chat.completions.create({ model: "m", messages, stream: isStreamed });
  either satisfies types.ChatCompletion | Stream<types.ChatCompletionChunk>;
  const balance: Decimal = (await client.billing.balance()).balance_usd;
  const csv: string = await client.billing.usage({ format: "csv" });
  const report: types.UsageReport = await client.billing.usage({ days: 7 });
  const written: string = await client.audio.transcriptions.create({ model: "m", file: new Blob(), response_format: "srt" });
  const transcript: types.Transcript = await client.audio.transcriptions.create({ model: "m", file: new Blob() });
  const begun: types.AcceptedJob = await client.images.generate({ prompt: "p", background: true });
  const images: types.Images = await client.images.generate({ prompt: "p", background: "transparent", stream: false }).then(
    (made) => made as types.Images,
  );
  const sound: ArrayBuffer = await (await client.audio.speech.create({ model: "m", input: "a", voice: "b" })).arrayBuffer();
  const page: Page<types.Key> = await client.keys.list();
  for await (const key of client.keys.list({ limit: 5 })) key.key_id satisfies string;
  for await (const event of client.agents.runStream({ task: "t" })) if (event.type === "step") event.step?.tool_name;
  await client.videos.generateAndWait({ model: "m", prompt: "p" }, { onProgress: ({ progress }) => progress, timeoutSec: 9 });
  const { data, requestId } = await client.models.list().withResponse();
  const error = new WaitTimeoutError("a", null) satisfies Error;
  void [text, balance, csv, report, written, transcript, begun, images, sound, page, data, requestId, error];
}

export function doesNotCompile(): void {
  // @ts-expect-error: the model is missing
  void client.chat.completions.create({ messages });
  // @ts-expect-error: no such argument
  void client.keys.list({ limits: 5 });
  // @ts-expect-error: money is text
  void client.billing.balance().then(({ balance_usd }) => balance_usd * 2);
  // @ts-expect-error: a rating is 1 or -1
  void client.feedback.submit({ generation_id: "g", rating: 5 });
  // @ts-expect-error: an id is asked for
  void client.keys.get();
}
