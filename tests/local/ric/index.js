// A streaming handler for Amazon's own Node runtime client: what `awslambda` offers on the managed runtime.
// With a `gate` each chunk after the first waits for the file of its number in that folder.
const fs = require("node:fs");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const untilThere = async (file) => {
  while (!fs.existsSync(file)) await pause(10);
};

exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const query = event.queryStringParameters ?? {};
  if (query.end === "before") throw new Error("before the first byte");
  const head = { statusCode: 201, headers: { "content-type": "text/plain", "x-request-id": context.awsRequestId } };
  const body = awslambda.HttpResponseStream.from(stream, head);
  for (let number = 0; number < Number(query.chunks ?? 3); number += 1) {
    if (number && query.gate) await untilThere(`${query.gate}/${number}`);
    body.write(`chunk ${number}\n`);
  }
  if (query.end === "raise") throw new Error("after the first byte");
  body.end();
});
