// How streams that were cut are gone on with: runs of agents, and responses that run in the background.
import type { Answer } from "./promises.js";
import { type Call, part, type RequestOptions } from "./request.js";
import type { Place } from "./streaming.js";

export const RUN_STREAM = "/v1/agents/run/stream";
const RESPONSES = "/v1/responses";
const ONE = /^\/v1\/responses\/[^/]+$/;

interface Sender {
  send(call: Call): Promise<Answer>;
}

/** What is known of the place in the stream of a call, by its arguments; null where it ends with its connection. */
export function placeOf(call: Call, given: Record<string, unknown>, client: Sender): Place | null {
  const runs = call.method === "POST" && call.path === RESPONSES && given["background"] === true;
  if (!runs && !(call.method === "GET" && ONE.test(call.path))) return null;
  let path = runs ? null : call.path;
  let after = runs || given["starting_after"] === undefined ? undefined : Number(given["starting_after"]);
  return {
    isNew(data) {
      if (path === null && typeof data?.response?.id === "string") path = `${RESPONSES}/${part(data.response.id)}`;
      const number: unknown = data?.sequence_number;
      if (typeof number !== "number") return true;
      if (after !== undefined && number <= after) return false;
      after = number;
      return true;
    },
    rest() {
      if (path === null) return null;
      const options = lookOptions(call);
      const query = { ...(runs ? options.query : given), stream: true, starting_after: after };
      return client.send({ method: "GET", path, options: { ...options, query } });
    },
  };
}

/** The place in the stream of a run, which its events' ids tell. */
export function runPlace(call: Call, client: Sender): Place {
  return {
    rest(last) {
      if (last === null) return null;
      const headers = { "Last-Event-ID": last };
      return client.send({ method: "GET", path: RUN_STREAM, headers, options: lookOptions(call) });
    },
  };
}

/** The options of a look: what belongs to the request that began the work is left out. */
export function lookOptions({ options }: { options?: RequestOptions | undefined }): RequestOptions {
  const { headers, query, timeout, maxRetries, signal } = options ?? {};
  const given = Object.entries({ query, timeout, maxRetries, signal }).filter(([, value]) => value !== undefined);
  const kept = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== "idempotency-key");
  return { headers: Object.fromEntries(kept), ...Object.fromEntries(given) };
}
