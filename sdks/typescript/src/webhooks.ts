// Verifies webhooks by Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks
import { WebhookVerificationError } from "./errors.js";
import { Resource } from "./resource.js";

const TOLERANCE_S = 300;
const PREFIX = "whsec_";
export type GivenHeaders = Headers | Record<string, string | string[] | undefined>;

/**
 * The webhook's content; throws `WebhookVerificationError` where signature or time is not good. The payload is the body
 * as it came: parsed and written again it has another signature.
 */
async function verified(
  payload: string | Uint8Array,
  headers: GivenHeaders,
  secret: string,
  toleranceSec: number = TOLERANCE_S,
): Promise<any> {
  // A variable of the environment that is not set; a signature with it proves nothing.
  if (!secret || secret === PREFIX) throw new WebhookVerificationError("the secret is empty");
  const [id, moment, signatures] = ["id", "timestamp", "signature"].map((name) => header(headers, `webhook-${name}`));
  const secretBytes = bytesOf(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret);
  if (secretBytes === null || !/^\d+$/.test(moment!)) {
    throw new WebhookVerificationError("the secret or the time cannot be read");
  }
  if (Math.abs(Date.now() / 1000 - Number(moment)) > toleranceSec) {
    throw new WebhookVerificationError("the webhook is too old, or from the future");
  }
  const encoder = new TextEncoder();
  const body = typeof payload === "string" ? encoder.encode(payload) : payload;
  const signed = new Uint8Array([...encoder.encode(`${id}.${moment}.`), ...body]);
  const key = await crypto.subtle.importKey("raw", secretBytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  for (const each of signatures!.split(" ")) {
    const [version, shown] = [each.slice(0, each.indexOf(",")), bytesOf(each.slice(each.indexOf(",") + 1))];
    // `verify` takes the same time for each signature.
    if (version === "v1" && shown !== null && (await crypto.subtle.verify("HMAC", key, shown, signed))) {
      return JSON.parse(new TextDecoder().decode(body));
    }
  }
  throw new WebhookVerificationError("no signature fits");
}

function header(headers: GivenHeaders, name: string): string {
  const all = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const found = all.find(([each]) => each.toLowerCase() === name)?.[1];
  if (found === undefined) throw new WebhookVerificationError(`the header ${name} is missing`);
  return Array.isArray(found) ? found.join(" ") : found;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Verifies webhooks. */
export class WebhooksBase extends Resource {
  /**
   * The content of a webhook; throws `WebhookVerificationError` where its signature or time is not good. The payload is
   * the body as it came.
   */
  verify(
    payload: string | Uint8Array,
    headers: GivenHeaders,
    secret: string,
    options: { toleranceSec?: number } = {},
  ): Promise<any> {
    return verified(payload, headers, secret, options.toleranceSec);
  }
}
