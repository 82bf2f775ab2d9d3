// A streaming handler for Amazon's own Node runtime client: what `awslambda` offers on the managed runtime.
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const query = event.queryStringParameters ?? {};
  if (query.end === "before") throw new Error("before the first byte");
  const head = { statusCode: 201, headers: { "content-type": "text/plain", "x-request-id": context.awsRequestId } };
  const body = awslambda.HttpResponseStream.from(stream, head);
  for (let number = 0; number < Number(query.chunks ?? 3); number += 1) {
    body.write(`chunk ${number}\n`);
    await pause(Number(query.every_ms ?? 0));
  }
  if (query.end === "raise") throw new Error("after the first byte");
  body.end();
});
