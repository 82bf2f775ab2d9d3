// Streams of events: async iterables that go on after a cut where the gateway can.
import {
  APIConnectionError,
  APIError,
  APIStreamError,
  APITimeoutError,
  APIUserAbortError,
  requestIdOf,
  unreadable,
} from "./errors.js";
import type { Answer } from "./promises.js";
import { type HttpResponse, later, sleep } from "./request.js";

/** Types of events that end a stream of their wire. */
const ENDS = new Set([
  "done", "error", "message_stop", "response.completed", "response.failed", "response.incomplete", "response.cancelled",
]);
/** Cuts in a row after which a stream that brings nothing more is given up, and the pause after the second of them. */
const CUTS_MAX = 5;
const PAUSE_FIRST_MS = 100;

/** Where a stream has come to, and how it is gone on with. */
export interface Place {
  /** Notes a whole event; false for one that has come before. */
  isNew?(data: any): boolean;
  /** The answer that brings what follows; null where the stream has not told how to go on. */
  rest(lastId: string | null): Promise<Answer> | null;
}

interface Event {
  id: string | null;
  data: string;
  name: string | null;
}

/**
 * Reads server-sent events, however their bytes are cut:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class EventDecoder {
  #decoder = new TextDecoder();
  #pieces: string[] = [];
  #endsInCr = false;
  #data: string[] = [];
  #name: string | null = null;
  #id: string | null = null;
  lastId: string | null = null;

  /** The events that the bytes complete. */
  feed(bytes: Uint8Array): Event[] {
    const piece = this.#decoder.decode(bytes, { stream: true });
    this.#pieces.push(piece);
    // A picture is one line of many pieces, which are not searched again with each.
    if (!this.#endsInCr && !/[\r\n]/.test(piece)) return [];
    const lines = this.#pieces.join("").split(/\r\n|\n|\r(?!$)/);
    const rest = lines.pop() ?? "";
    [this.#pieces, this.#endsInCr] = [[rest], rest.endsWith("\r")];
    return lines.flatMap((line) => this.#take(line) ?? []);
  }

  /** Forgets an event that was cut; the id of the last whole one stays. */
  reset(): void {
    [this.#decoder, this.#pieces, this.#endsInCr] = [new TextDecoder(), [], false];
    [this.#data, this.#name, this.#id] = [[], null, this.lastId];
  }

  #take(line: string): Event | null {
    if (line === "") {
      this.lastId = this.#id;
      const event = this.#data.length > 0 ? { id: this.#id, data: this.#data.join("\n"), name: this.#name } : null;
      [this.#data, this.#name] = [[], null];
      return event;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#name = value;
    else if (name === "id") this.#id = value;
    return null;
  }
}

/** Events of an answer as they come. To leave its loop, or `close`, gives the connection back. */
export class Stream<T> implements AsyncIterable<T> {
  #answer: Answer;
  readonly #place: Place | null;
  readonly #decoder = new EventDecoder();
  readonly #events: AsyncGenerator<T>;
  #isOver = false;
  #hasEnded = false;
  #cuts = 0;
  #lastEventId: string | null = null;

  constructor(answer: Answer, place: Place | null = null) {
    this.#answer = answer;
    this.#place = place;
    this.#events = this.#read();
  }

  /** The answer that brings the stream: its status and headers. */
  get response(): HttpResponse {
    return this.#answer.response;
  }

  /** The id of the last event that came: another program goes on behind it by `agents.resumeStream`. */
  get lastEventId(): string | null {
    return this.#lastEventId;
  }

  [Symbol.asyncIterator](): AsyncGenerator<T> {
    return this.#events;
  }

  /** True once all that it brings has been read: not for one that was left or cut. */
  protected get hasEnded(): boolean {
    return this.#hasEnded;
  }

  #end(): void {
    [this.#isOver, this.#hasEnded] = [true, true];
  }

  /** Gives the connection back; what was not read is lost. */
  close(): void {
    this.#isOver = true;
    this.#answer.controller.abort();
  }

  /** The events as a stream of lines of JSON, for an answer of one's own. */
  toReadableStream(): ReadableStream<Uint8Array> {
    const [events, encoder] = [this[Symbol.asyncIterator](), new TextEncoder()];
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await events.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      },
      cancel: () => this.close(),
    });
  }

  async *#read(): AsyncGenerator<T> {
    while (!this.#isOver) {
      let cut: unknown = null;
      try {
        yield* this.#values();
      } catch (error) {
        if (error instanceof APIError && !(error instanceof APIConnectionError)) throw error;
        cut = error;
      } finally {
        this.#answer.controller.abort();
        this.#answer.release?.();
      }
      if (!this.#isOver && cut === null && this.#place === null) this.#end();
      if (this.#isOver) return;
      const { reason } = this.#answer.controller.signal;
      if (reason instanceof APIUserAbortError) throw reason;
      this.#cuts += 1;
      if (this.#cuts > 1) await sleep(PAUSE_FIRST_MS * 2 ** (this.#cuts - 2));
      const rest = this.#cuts > CUTS_MAX ? null : (this.#place?.rest(this.#decoder.lastId) ?? null);
      if (rest === null) {
        throw cut instanceof APITimeoutError ? cut : new APIConnectionError("the stream was cut", { cause: cut });
      }
      this.#decoder.reset();
      this.#answer = await rest;
    }
  }

  async *#values(): AsyncGenerator<T> {
    if (!this.#answer.response.headers.get("content-type")?.toLowerCase().startsWith("text/event-stream")) {
      throw unreadable(this.#answer.response, "answers with no stream of events.");
    }
    const reader = this.#answer.response.body?.getReader();
    while (reader !== undefined && !this.#isOver) {
      const { done, value } = await this.#next(reader);
      if (done) return;
      for (const event of this.#decoder.feed(value)) {
        if (event.data === "[DONE]") {
          this.#end();
          return;
        }
        const told = this.#told(event);
        if (this.#place?.isNew?.(told) === false) continue;
        [this.#cuts, this.#lastEventId] = [0, event.id];
        if (ENDS.has((told as { type?: string } | null)?.type ?? "")) this.#end();
        yield told;
        if (this.#isOver) return;
      }
    }
  }

  /** The next bytes; a stream that brings none for too long is given up, as one whose machine is gone. */
  async #next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
    const { controller, limit } = this.#answer;
    const late = new APITimeoutError(`the stream brought nothing for ${limit} ms`);
    const timer = later(limit, () => controller.abort(late));
    try {
      return await reader.read();
    } finally {
      clearTimeout(timer);
    }
  }

  #parsed(text: string): any {
    try {
      return JSON.parse(text);
    } catch {
      throw unreadable(this.#answer.response, "sent an event that is no JSON.");
    }
  }

  #told(event: Event): T {
    const data = this.#parsed(event.data);
    const error = data?.error;
    const isError = event.name === "error" || (data?.type ?? "error") === "error";
    if (typeof error === "object" && error !== null && isError) {
      const requestId = requestIdOf(this.#answer.response.headers);
      throw new APIStreamError(String(error.message ?? "the stream has failed"), data, requestId);
    }
    return data;
  }
}
