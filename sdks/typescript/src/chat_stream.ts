// A chat stream that knows its text and the whole answer.
import { NexevoError } from "./errors.js";
import type { ChatCompletionsCreateParams } from "./params.js";
import { IterablePromise } from "./promises.js";
import type { Call, RequestOptions } from "./request.js";
import { Resource } from "./resource.js";
import { Stream } from "./streaming.js";
import type { ChatCompletion, ChatCompletionChunk } from "./types.js";

/** Streams chat with what its chunks come to. */
export class ChatCompletionsBase extends Resource {
  /** A stream with helpers: `text()` gives the pieces of the text, `final()` the whole answer. */
  stream(
    params: Omit<ChatCompletionsCreateParams, "stream">,
    options?: RequestOptions,
  ): IterablePromise<ChatCompletionChunk, ChatStream> {
    const given = { ...params, stream: true };
    const call: Call = { method: "POST", path: "/v1/chat/completions", params: given, hasBody: true, options };
    return new IterablePromise(this.client.send(call), (answer) => new ChatStream(answer));
  }
}

/** A chat stream that can tell its text and the whole answer. */
export class ChatStream extends Stream<ChatCompletionChunk> {
  readonly #chunks: ChatCompletionChunk[] = [];

  override async *[Symbol.asyncIterator](): AsyncGenerator<ChatCompletionChunk> {
    for await (const chunk of { [Symbol.asyncIterator]: () => super[Symbol.asyncIterator]() }) {
      this.#chunks.push(chunk);
      yield chunk;
    }
  }

  /** The pieces of the first answer's text, as they come. */
  async *text(): AsyncGenerator<string> {
    for await (const chunk of this) {
      const piece = chunk.choices[0]?.delta?.content;
      if (piece) yield piece;
    }
  }

  /** The whole answer; reads the rest of the stream. Throws a `NexevoError` for one that was left before its end. */
  async final(): Promise<ChatCompletion> {
    for await (const _ of this);
    if (!this.hasEnded) throw new NexevoError("the stream was left before its end, and its whole answer is not known");
    return wholeChat(this.#chunks);
  }
}

/** The chat completion that the chunks of a stream come to. */
function wholeChat(chunks: ChatCompletionChunk[]): ChatCompletion {
  const [whole, choices]: [any, any[]] = [{ object: "chat.completion" }, []];
  for (const chunk of chunks as any[]) {
    for (const name of ["id", "created", "model", "usage", "nexevo", "service_tier", "system_fingerprint"]) {
      if (chunk[name] !== undefined && chunk[name] !== null) whole[name] = chunk[name];
    }
    for (const each of chunk.choices ?? []) {
      choices[each.index] ??= { index: each.index, finish_reason: null, message: { role: "assistant", content: null } };
      choices[each.index].finish_reason = each.finish_reason ?? choices[each.index].finish_reason;
      addDelta(choices[each.index].message, each.delta ?? {});
    }
  }
  return { ...whole, choices: choices.filter(Boolean) };
}

function addDelta(message: any, delta: any): void {
  for (const [name, value] of Object.entries<any>(delta)) {
    if (value === null || value === undefined) continue;
    if (name === "tool_calls") {
      message.tool_calls ??= [];
      for (const call of value) addToolCall(message.tool_calls, call);
    } else if (typeof value === "string" && name !== "role") {
      message[name] = (message[name] ?? "") + value;
    } else {
      message[name] = value;
    }
  }
}

function addToolCall(calls: any[], { index, function: told = {}, ...rest }: any): void {
  calls[index] ??= { function: { name: "", arguments: "" } };
  Object.assign(calls[index], rest);
  calls[index].function.name += told.name ?? "";
  calls[index].function.arguments += told.arguments ?? "";
}
