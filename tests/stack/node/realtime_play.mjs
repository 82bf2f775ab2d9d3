// Plays a script in a session of either of OpenAI's realtime clients, in Node.js and in a page, and returns the events.

const hangsAfterMs = 60_000;

export async function play(session, { steps }) {
  const events = [];
  const known = {};
  let read = 0;
  let tell = () => {};
  const fail = new Promise((_, reject) => {
    session.on("error", (error) => error.error ?? reject(error));
    setTimeout(() => reject(new Error(`hangs after ${events.map((event) => event.type)}`)), hangsAfterMs).unref?.();
  });
  fail.catch(() => {});
  session.on("event", (event) => {
    events.push(event);
    Object.assign(known, event);
    if (event.type === "response.output_audio.delta") known.spoken = event.item_id;
    tell();
  });
  const filled = (sent) => JSON.parse(JSON.stringify(sent), (_, each) => (/^\$/.test(each) ? known[each.slice(1)] : each));
  const next = async (kind) => {
    for (;;) {
      while (read < events.length) {
        const event = events[read++];
        if (event.type === kind) return;
        if (event.type === "error") throw new Error(JSON.stringify(event));
      }
      await Promise.race([fail, new Promise((resolve) => (tell = resolve))]);
    }
  };
  try {
    await next("session.created");
    for (const [step, given] of steps) await (step === "send" ? session.send(filled(given)) : next(given));
  } finally {
    // A socket that stays open keeps Node.js, and what it has to tell, from its end.
    session.close();
  }
  return events;
}
