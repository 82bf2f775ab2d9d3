import { Resources } from "./resources.js";

/** The client of the API: `new Nexevo({ apiKey })`, or with the environment's `NEXEVO_API_KEY`. */
export class Nexevo extends Resources {}

export default Nexevo;
export { ChatStream } from "./chat_stream.js";
export type { ClientOptions } from "./client.js";
export * from "./errors.js";
export type * from "./params.js";
export { APIPromise, IterablePromise, Page, type PagePromise, type WithResponse } from "./promises.js";
export { type Amount, type Decimal, type RequestOptions, toFile, type Uploadable } from "./request.js";
export { Stream } from "./streaming.js";
export type * as types from "./types.js";
export { VERSION } from "./version.js";
export type { WaitOptions } from "./waiting.js";
