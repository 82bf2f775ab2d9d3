// The transport: one request with its retries.
import {
  APIConnectionError,
  APITimeoutError,
  APIUserAbortError,
  NexevoError,
  refusalOf,
  requestIdOf,
  unreadable,
} from "./errors.js";
import { placeOf } from "./places.js";
import { type Answer, APIPromise, IterablePromise, Page, type PagePromise } from "./promises.js";
import {
  type Call,
  contentOf,
  DEFAULT_BASE_URL,
  DEFAULT_MAX_RETRIES,
  DEFAULT_TIMEOUT_MS,
  delayMs,
  headersOf,
  later,
  mayRetry,
  queryOf,
  redacted,
  rootOf,
  sleep,
  sorted,
} from "./request.js";
import { type Place, Stream } from "./streaming.js";

/** Options of a client. */
export interface ClientOptions {
  /** The key, or the token of a session; else the environment's `NEXEVO_API_KEY`. */
  apiKey?: string | null;
  /** The API's address; else the environment's `NEXEVO_BASE_URL`, else the public one. */
  baseURL?: string | null;
  /** The organization that a session acts for. */
  organization?: string | null;
  /** Milliseconds after which a try, or a stream that brings nothing, is given up; 15 minutes without it. */
  timeout?: number;
  /** How many times a request that has failed is sent again; 2 without it. */
  maxRetries?: number;
  defaultHeaders?: Record<string, string | null>;
  defaultQuery?: Record<string, unknown>;
  /** Another `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Further arguments of `fetch`: an undici `dispatcher` for a proxy, for instance. */
  fetchOptions?: object;
  /** Allows a key in a browser, where each visitor can read it. */
  dangerouslyAllowBrowser?: boolean;
}

type Inspect = (value: unknown, options: object) => string;
/** The method by which Node prints a value: https://nodejs.org/api/util.html#utilinspectcustom */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const NO_KEY = "No API key: give apiKey, or set the environment's NEXEVO_API_KEY.";
const IN_BROWSER =
  "A key in a browser can be read by each visitor. Call the API from a server; " +
  "or, where the key is meant to be seen, give dangerouslyAllowBrowser: true.";

/** What a client knows (address, key, patience), and how it sends. */
export class Transport {
  readonly baseURL: string;
  readonly organization: string | null;
  readonly timeout: number;
  readonly maxRetries: number;
  readonly #options: ClientOptions;
  readonly #apiKey: string | null;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    // A key that was read from a file ends with its line. One that is empty by mistake is not another one's.
    this.#apiKey = options.apiKey == null ? environment("NEXEVO_API_KEY") : options.apiKey.trim() || null;
    if (this.#apiKey !== null && isBrowser() && !options.dangerouslyAllowBrowser) throw new NexevoError(IN_BROWSER);
    this.baseURL = `${rootOf(options.baseURL ?? environment("NEXEVO_BASE_URL") ?? DEFAULT_BASE_URL)}/v1`;
    this.organization = options.organization ?? null;
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    this.maxRetries = options.maxRetries ?? DEFAULT_MAX_RETRIES;
  }

  /** A client with some options changed; headers and parameters that all requests have are added to this client's. */
  withOptions(options: ClientOptions): this {
    const defaultHeaders = { ...this.#options.defaultHeaders, ...options.defaultHeaders };
    const defaultQuery = { ...this.#options.defaultQuery, ...options.defaultQuery };
    const given = { ...this.#options, ...options, defaultHeaders, defaultQuery };
    return new (this.constructor as new (options: ClientOptions) => this)(given);
  }

  /** The client as it may be shown: without its key. */
  toJSON(): object {
    const { baseURL, organization, timeout, maxRetries } = this;
    return { baseURL, apiKey: redacted(this.#apiKey), organization, timeout, maxRetries };
  }

  [INSPECT](_: unknown, options: object, inspect: Inspect): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }

  /** The answer in the form that its type and the request call for. */
  ask<T = any>(call: Call): APIPromise<T> {
    const { query, body } = sorted(call);
    const given = { ...query, ...body };
    const form = { wantsEvents: given["stream"] === true || given["stream_format"] === "sse", secrets: call.secrets };
    return new APIPromise<T>(this.send(call), (answer) => shown(answer, form, placeOf(call, given, this)));
  }

  /** A page of a list, which asks for those that follow. */
  page<Element>(call: Call): PagePromise<Element> {
    const parse = (answer: Answer): Page<Element> =>
      new Page<Element>(shown(answer), async (next) => {
        const query = { ...call.options?.query, ...next };
        return this.page<Element>({ ...call, options: { ...call.options, query } });
      });
    return new IterablePromise<Element, Page<Element>>(this.send(call), parse);
  }

  /** The good answer to the call, after as many retries as it needs. */
  async send(call: Call): Promise<Answer> {
    if (call.needsKey !== false && this.#apiKey === null) throw new NexevoError(NO_KEY);
    const { query, body } = sorted(call);
    const url = this.baseURL.replace(/\/v1$/, "") + call.path + queryOf({ ...this.#options.defaultQuery, ...query });
    const own = { ...(this.organization ? { "X-Nexevo-Organization": this.organization } : {}) };
    const key = call.needsKey === false ? null : this.#apiKey;
    const headers = headersOf(call, body, key, { ...own, ...this.#options.defaultHeaders });
    const content = body === null ? null : await contentOf(body, call.isForm ?? false);
    const init = { method: call.method, headers, body: content, ...this.#options.fetchOptions };
    const retries = call.options?.maxRetries ?? this.maxRetries;
    for (let tries = 0; ; tries += 1) {
      let told: Headers | null = null;
      try {
        const answer = await this.#try(url, init, call);
        if (answer.response.status < 400) return answer;
        told = answer.response.headers;
        if (tries >= retries || !mayRetry(answer.response.status, told)) {
          throw refusalOf(answer.response.status, told, answer.text ?? "");
        }
      } catch (error) {
        if (!(error instanceof APIConnectionError) || tries >= retries) throw error;
      }
      await sleep(delayMs(tries, told), call.options?.signal).catch((reason: unknown) => {
        throw aborted(reason);
      });
    }
  }

  async #try(url: string, init: RequestInit, call: Call): Promise<Answer> {
    const [controller, signal] = [new AbortController(), call.options?.signal];
    const ended = (): void => controller.abort(aborted(signal?.reason));
    // A signal may live as long as the program: it keeps no request that is over.
    const release = (): void => signal?.removeEventListener("abort", ended);
    if (signal?.aborted) throw aborted(signal.reason);
    signal?.addEventListener("abort", ended, { once: true });
    const limit = call.options?.timeout ?? this.timeout;
    const timer = later(limit, () => controller.abort(new APITimeoutError(`no answer came in ${limit} ms`)));
    try {
      const fetch = this.#options.fetch ?? globalThis.fetch;
      const response = await fetch(url, { ...patient(), ...init, signal: controller.signal });
      if (!isWhole(response)) return { response, text: null, controller, limit, release };
      const text = await response.text();
      release();
      return { response, text, controller, limit };
    } catch (error) {
      release();
      if (controller.signal.aborted) throw controller.signal.reason;
      const at = new URL(url).host;
      throw new APIConnectionError(`the connection to ${at} failed: ${reasonOf(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** True for an answer that is read at once: JSON, text, and refusals of every kind. */
function isWhole(response: globalThis.Response): boolean {
  const media = mediaOf(response);
  if (response.status >= 400 || media.startsWith("application/json")) return true;
  return media.startsWith("text/") && !media.startsWith("text/event-stream");
}

/** The type of an answer's content. */
function mediaOf({ headers }: globalThis.Response): string {
  return (headers.get("content-type") ?? "").toLowerCase();
}

interface Form {
  wantsEvents?: boolean;
  secrets?: string[] | undefined;
}

function shown(answer: Answer, { wantsEvents = false, secrets }: Form = {}, place: Place | null = null): any {
  const media = mediaOf(answer.response);
  if (wantsEvents && media.startsWith("text/event-stream")) return new Stream(answer, place);
  if (media.startsWith("text/html")) {
    throw unreadable(answer.response, "answers with HTML: is it the gateway's address?");
  }
  if (wantsEvents) throw unreadable(answer.response, "answers with no stream of events.");
  if (answer.text === null) return answer.response;
  if (!media.startsWith("application/json")) return answer.text;
  const value = objectOf(answer.text);
  if (value === null) throw unreadable(answer.response, "answers with what is no JSON object.");
  if (secrets !== undefined) hide(value, secrets);
  Object.defineProperty(value, "_request_id", { value: requestIdOf(answer.response.headers), enumerable: false });
  if (value.object === "response" && Array.isArray(value.output)) {
    Object.defineProperty(value, "output_text", { get: () => textOf(value.output), enumerable: false });
  }
  return value;
}

/** The object that the text is; null for any other. */
function objectOf(text: string): any {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Has Node print `…` for secret members of the value, which are read and written as JSON as ever. */
function hide(value: any, secrets: string[]): void {
  if (typeof value !== "object" || value === null) return;
  Object.values(value).forEach((each) => hide(each, secrets));
  const hidden = Object.keys(value).filter((name) => secrets.includes(name) && value[name] !== null);
  if (hidden.length === 0) return;
  const print = (_: unknown, options: object, inspect: Inspect): string =>
    inspect({ ...value, ...Object.fromEntries(hidden.map((name) => [name, "…"])) }, options);
  Object.defineProperty(value, INSPECT, { value: print, enumerable: false });
}

/** All text of a response's messages. */
function textOf(output: any[]): string {
  const parts = output.flatMap((item) => (item.type === "message" ? item.content : []));
  return parts.map((part) => (part.type === "output_text" ? part.text : "")).join("");
}

/**
 * An undici agent without its limit of five minutes for the first byte, where `fetch` is Node's with its usual agent:
 * a whole answer may take 15. An agent of the program's own is left as it is.
 */
function patient(): object {
  const found: any[] = DISPATCHERS.map((name) => (globalThis as any)[name]);
  const known = found.find((each) => each?.constructor?.name === "Agent");
  if (known === undefined || !isNode()) return {};
  if (!(agent instanceof known.constructor)) agent = new known.constructor({ headersTimeout: 0, bodyTimeout: 0 });
  return { dispatcher: agent };
}
let agent: unknown;
// Where undici keeps its agent: from version 8 on (Node 26), and before.
const DISPATCHERS = [Symbol.for("undici.globalDispatcher.2"), Symbol.for("undici.globalDispatcher.1")];

function isNode(): boolean {
  const isOther = "Bun" in globalThis || "Deno" in globalThis;
  return typeof (globalThis as any).process?.versions?.node === "string" && !isOther;
}

function isBrowser(): boolean {
  const scope = globalThis as any;
  return scope.window?.document !== undefined || (typeof scope.importScripts === "function" && !isNode());
}

function environment(name: string): string | null {
  return (globalThis as any).process?.env?.[name]?.trim() || null;
}

function aborted(reason: unknown): APIUserAbortError {
  if (reason instanceof APIUserAbortError) return reason;
  return new APIUserAbortError("the request was ended by its signal", { cause: reason });
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } } | null)?.cause;
  return cause?.code ?? cause?.message ?? String((error as Error)?.message ?? error);
}
