// A small server that answers as a test says, and remembers what it was asked.
import { createServer } from "node:http";

/** Starts the server; `answers` are used in turn, the last one for the rest. An answer is a function of (request, response). */
export async function serving(...answers) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    await answer(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    seen,
    baseURL: `http://127.0.0.1:${server.address().port}/v1`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** An answer of JSON. */
export const json = (value, status = 200, headers = {}) => (_, response) => {
  response.writeHead(status, { "content-type": "application/json", "x-trace-id": "trace-1", ...headers });
  response.end(JSON.stringify(value));
};

/** A refusal, which may be tried again at once. */
export const refusal = (status, code = "wrong", headers = {}) =>
  json({ error: { message: `It is ${status}.`, type: "some_error", code, param: "model" } }, status, {
    "retry-after-ms": "1",
    ...headers,
  });

/** A stream of events; the text is sent in pieces of one byte where `inBytes` says so, and cut where `isCut` does. */
export const events = (text, { inBytes = false, isCut = false } = {}) => async (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "x-trace-id": "trace-1" });
  const bytes = Buffer.from(text);
  for (const piece of inBytes ? [...bytes].map((byte) => Buffer.of(byte)) : [bytes]) {
    await new Promise((resolve) => response.write(piece, resolve));
  }
  if (isCut) response.socket.resetAndDestroy();
  else response.end();
};

/** The values as the events of a stream. */
export const told = (...values) => values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join("");
