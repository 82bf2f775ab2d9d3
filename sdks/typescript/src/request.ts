// Requests as values, and the rules of retries.
import { NexevoError } from "./errors.js";
import { VERSION } from "./version.js";

/** An exact amount as decimal text, such as "12.345678". Reckon with it by a decimal library, never by `parseFloat`. */
export type Decimal = string;
/** An amount to send: decimal text is exact. A decimal library's value is good where its JSON is text. */
export type Amount = string | number | { toJSON(): string };
/** One of the known words, or one that a later server says. */
export type Open<Words extends string> = Words | (string & {});
/** The answer of `fetch`. */
export type HttpResponse = globalThis.Response;
/** A file to send: bytes, a `Blob` or `File`, an answer of `fetch`, or a stream such as `fs.createReadStream` gives. */
export type Uploadable = Blob | ArrayBufferView | ArrayBuffer | HttpResponse | AsyncIterable<Uint8Array>;

/** Options of one request. */
export interface RequestOptions {
  /** Further headers; `null` leaves one of the client's out. */
  headers?: Record<string, string | null>;
  /** Further parameters of the query. */
  query?: Record<string, unknown>;
  /** Further members of the body. */
  body?: Record<string, unknown>;
  /** Milliseconds after which a try is given up: until its whole answer, or the next piece of a stream. `Infinity` is none. */
  timeout?: number;
  /** How many times a request that has failed is sent again. */
  maxRetries?: number;
  /** Makes a repeat harmless for 24 hours. Without it each POST has a key of its own, the same in all its tries. */
  idempotencyKey?: string;
  /** Ends the request. */
  signal?: AbortSignal | null;
}

/** One request as a method describes it. */
export interface Call {
  method: string;
  path: string;
  /** Arguments of the method: parameters of the query by the names of `query`, members of the body else. */
  params?: object | undefined;
  query?: string[];
  hasBody?: boolean;
  isForm?: boolean;
  needsKey?: boolean;
  /** Members of the answer, however deep, that are not shown where it is printed. */
  secrets?: string[];
  headers?: Record<string, string>;
  options?: RequestOptions | undefined;
}

export const DEFAULT_BASE_URL = "https://api.nexevo.ai/v1";
export const DEFAULT_MAX_RETRIES = 2;
/** A whole answer may take as long as the gateway lets a function run. */
export const DEFAULT_TIMEOUT_MS = 900_000;
const RETRIED = new Set([408, 409, 429]);
const [DELAY_FIRST_MS, DELAY_MAX_MS, RETRY_AFTER_MAX_MS] = [500, 8_000, 60_000];

/** The value as a part of a path; throws a `TypeError` for one that leads to another path. */
export function part(value: string, slashes = false): string {
  if (!value) throw new TypeError("an id in a path should not be empty");
  // `fetch` resolves these before it sends: memory.delete("../keys/key_1") would delete a key.
  if ((slashes ? value.split("/") : [value]).some((each) => each === "." || each === "..")) {
    throw new TypeError(`${JSON.stringify(value)} is no id: it leads to another path`);
  }
  const encoded = encodeURIComponent(value);
  return slashes ? encoded.replaceAll("%2F", "/") : encoded;
}

/** The address of the API without its version, from that of the OpenAI-compatible endpoints or its own. */
export function rootOf(baseURL: string): string {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : null;
  if (!/^https?:$/.test(url?.protocol ?? "")) {
    throw new NexevoError(`The base URL should begin as ${DEFAULT_BASE_URL} does, with scheme and host: "${baseURL}".`);
  }
  // `fetch` refuses it, and its message shows the password.
  if (url!.username || url!.password) throw new NexevoError("The base URL should have no user and no password.");
  return baseURL.replace(/\/+$/, "").replace(/\/v1$/, "");
}

/** The key as it may be shown. */
export function redacted(key: string | null): string | null {
  return key === null ? null : `${key.startsWith("sk-xc-") ? "sk-xc-" : ""}…`;
}

/** Arguments of the method that belong to the query, and those that belong to the body. */
export function sorted(call: Call): { query: Record<string, unknown>; body: Record<string, unknown> | null } {
  const names = new Set(call.query ?? []);
  const given = Object.entries(call.params ?? {}).filter(([, value]) => value !== undefined);
  const rest = Object.fromEntries(given.filter(([name]) => !names.has(name)));
  const body = { ...rest, ...call.options?.body };
  const query = { ...Object.fromEntries(given.filter(([name]) => names.has(name))), ...call.options?.query };
  return { query, body: call.hasBody || Object.keys(body).length > 0 ? body : null };
}

/** The query as text; lists are repeated, what is null is left out. */
export function queryOf(members: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined) query.append(name, String(each));
    }
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** The body as it is sent: JSON, or a form with files as parts, lists as repeated fields, and objects as JSON. */
export async function contentOf(body: Record<string, unknown>, isForm: boolean): Promise<string | FormData> {
  if (!isForm) return JSON.stringify(body, sendable);
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) {
    const shown = Array.isArray(value) ? `${name}[]` : name;
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each === null || each === undefined) continue;
      if (isUploadable(each)) {
        const file = await toFile(each);
        form.append(shown, file, file.name);
      } else {
        form.append(shown, typeof each === "object" ? JSON.stringify(each) : String(each));
      }
    }
  }
  return form;
}

/** The value as JSON has it; throws a `TypeError` for what JSON lacks, which would be sent as null or as `{}`. */
function sendable(this: any, name: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${name}: JSON has no ${value}`);
  // What `toJSON` has made of it is `value`: bytes of Node's are an object then.
  const given: unknown = this[name];
  if (isUploadable(given) || given instanceof Map || given instanceof Set) {
    throw new TypeError(`${name}: a ${given.constructor.name} cannot be sent as JSON`);
  }
  return typeof value === "bigint" ? String(value) : value;
}

function isUploadable(value: unknown): value is Uploadable {
  if (value instanceof Blob || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return true;
  return typeof value === "object" && value !== null && (value instanceof Response || Symbol.asyncIterator in value);
}

/** A file with a name and a type; without a name it has that of the `File` or of the stream's path. */
export async function toFile(value: Uploadable, name?: string, options: { type?: string } = {}): Promise<File> {
  // Text can be iterated over: the name of a file would be sent as its content.
  if (!isUploadable(value)) throw new TypeError("a file is bytes, a Blob, an answer of fetch, or a stream of bytes");
  const from = value as { name?: unknown; path?: unknown; type?: unknown };
  const path = typeof from.name === "string" ? from.name : typeof from.path === "string" ? from.path : "";
  const type = options.type ?? (value instanceof Blob ? value.type : "");
  return new File(await partsOf(value), name ?? (path.split(/[\\/]/).pop() || "file"), { type });
}

async function partsOf(value: Uploadable): Promise<BlobPart[]> {
  if (value instanceof Response) return [await value.blob()];
  if (value instanceof Blob || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return [value as BlobPart];
  const parts: BlobPart[] = [];
  for await (const each of value) parts.push(each as BlobPart);
  return parts;
}

/** The headers of a request. A POST that says no Idempotency-Key gets one, so that a retry is no second request. */
export function headersOf(
  call: Call,
  body: Record<string, unknown> | null,
  key: string | null,
  more: Record<string, string | null>,
): Headers {
  const headers = new Headers({ Accept: "application/json", "User-Agent": `nexevo-sdk-typescript/${VERSION}` });
  if (key !== null) setHeader(headers, "Authorization", `Bearer ${key}`);
  if (body !== null && !call.isForm) headers.set("Content-Type", "application/json");
  for (const [name, value] of Object.entries({ ...more, ...call.headers, ...call.options?.headers })) {
    if (value === null) headers.delete(name);
    else setHeader(headers, name, value);
  }
  if (call.options?.idempotencyKey) setHeader(headers, "Idempotency-Key", call.options.idempotencyKey);
  const hasKey = headers.has("Idempotency-Key") || Boolean(body?.["idempotency_key"]);
  if (call.method === "POST" && !hasKey) headers.set("Idempotency-Key", `nexevo-ts-${crypto.randomUUID()}`);
  return headers;
}

/** Throws for a header that cannot be sent, without its value: what `fetch` throws shows the key. */
function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.set(name, value);
  } catch {
    const named = name.toLowerCase() === "authorization" ? "The API key" : `The header ${name}`;
    throw new NexevoError(`${named} has characters that no header can carry, as a line break.`);
  }
}

/** True for an answer after which the same request may succeed; the gateway's own word counts first. */
export function mayRetry(status: number, headers: Headers): boolean {
  const told = headers.get("x-should-retry");
  if (told === "true" || told === "false") return told === "true";
  return RETRIED.has(status) || status >= 500;
}

/** Milliseconds to wait before the next try: as the answer asks for, else longer each time, spread by chance. */
export function delayMs(tries: number, headers: Headers | null): number {
  const asked = headers === null ? Number.NaN : askedMs(headers);
  if (asked >= 0 && asked <= RETRY_AFTER_MAX_MS) return asked;
  return Math.min(DELAY_FIRST_MS * 2 ** tries, DELAY_MAX_MS) * (1 - 0.25 * Math.random());
}

function askedMs(headers: Headers): number {
  const [milliseconds, told] = [Number.parseFloat(headers.get("retry-after-ms") ?? ""), headers.get("retry-after")];
  if (!Number.isNaN(milliseconds)) return milliseconds;
  if (told === null) return Number.NaN;
  return /^[\d.]+$/.test(told) ? Number.parseFloat(told) * 1000 : Date.parse(told) - Date.now();
}

/** Calls back after some time, and never after more than a timer can count, which would be at once. */
export function later(milliseconds: number, run: () => void): ReturnType<typeof setTimeout> | undefined {
  return milliseconds < 2 ** 31 ? setTimeout(run, milliseconds) : undefined;
}

/** Waits; a signal ends the wait with its reason. */
export function sleep(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = later(milliseconds, () => {
      signal?.removeEventListener("abort", ended);
      resolve();
    });
    if (signal?.aborted) ended();
    else signal?.addEventListener("abort", ended, { once: true });
  });
}
