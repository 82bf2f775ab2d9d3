// Methods that wait for jobs and runs, and streams of runs that go on after a cut.
import type { Transport } from "./client.js";
import { APIConnectionError, APIUserAbortError, InternalServerError, JobFailedError, RateLimitError, WaitTimeoutError } from "./errors.js";
import type { AgentsRunParams, Models3dGenerateParams, VideosGenerateParams } from "./params.js";
import { lookOptions, RUN_STREAM, runPlace } from "./places.js";
import { IterablePromise } from "./promises.js";
import { type Call, part, type RequestOptions, sleep } from "./request.js";
import { Resource } from "./resource.js";
import { Stream } from "./streaming.js";
import type { AcceptedJob, Job, Run, RunEvent, Task } from "./types.js";

const OVER = ["succeeded", "failed", "canceled", "awaiting_confirmation"];
const PASSING = [APIConnectionError, InternalServerError, RateLimitError];
const RUN = "/v1/agents/run";

/** Options of a wait, and of the requests that it makes. */
export interface WaitOptions<T> extends RequestOptions {
  /** Seconds between two looks. */
  pollIntervalSec?: number;
  /** Seconds after which the wait ends with a `WaitTimeoutError`; what is waited for goes on. */
  timeoutSec?: number;
  /** Called with what each look has found; the wait goes on when it is done. */
  onProgress?: (seen: T) => unknown;
}

interface Waited {
  id: string;
  status: string;
}

/** Throws a `RangeError` for times that no wait can have, so that nothing is begun and paid for ahead of it. */
function judgeTimes({ pollIntervalSec = 0, timeoutSec = 0 }: { pollIntervalSec?: number; timeoutSec?: number }): void {
  if (pollIntervalSec >= 0 && !Number.isNaN(timeoutSec)) return;
  const said = "pollIntervalSec should be 0 or more, and timeoutSec a number";
  throw new RangeError(`${said}, not ${pollIntervalSec} and ${timeoutSec}`);
}

/**
 * Looks until what is waited for is over. A look that fails by the connection or the gateway's load is no end: what is
 * waited for goes on. `begun` is what is known before the first look.
 */
async function ended<T extends Waited>(
  look: () => Promise<T>,
  options: WaitOptions<T>,
  defaults: { pollIntervalSec: number; timeoutSec: number },
  begun: Waited | null,
): Promise<T> {
  const { pollIntervalSec = defaults.pollIntervalSec, timeoutSec = defaults.timeoutSec, onProgress, signal } = options;
  judgeTimes({ pollIntervalSec, timeoutSec });
  const until = performance.now() + timeoutSec * 1000;
  let last: Waited | null = begun;
  for (;;) {
    let cause: unknown;
    const seen = await look().catch((error: unknown) => {
      if (last === null || !PASSING.some((kind) => error instanceof kind)) throw error;
      cause = error;
      return null;
    });
    if (seen !== null) {
      last = seen;
      await onProgress?.(seen);
      if (OVER.includes(seen.status)) return seen;
    }
    const left = until - performance.now();
    if (left <= 0) throw new WaitTimeoutError(`${last!.id} was not over in ${timeoutSec} s; it goes on`, last, { cause });
    await sleep(Math.min(pollIntervalSec * 1000, left), signal).catch((reason: unknown) => {
      throw new APIUserAbortError("the wait was ended by its signal; what was waited for goes on", { cause: reason });
    });
  }
}

async function jobEnded(
  client: Transport,
  jobId: string,
  options: WaitOptions<Job>,
  begun: Waited | null = null,
): Promise<Job> {
  const call: Call = { method: "GET", path: `/v1/generation/jobs/${part(jobId)}`, options: lookOptions({ options }) };
  const job = await ended(() => client.ask<Job>(call), options, { pollIntervalSec: 5, timeoutSec: 600 }, begun);
  if (job.status === "succeeded") return job;
  const told = job.error ? `: ${job.error.message}` : "";
  throw new JobFailedError(`${job.id} has ${job.status === "failed" ? "failed" : "been canceled"}${told}`, job);
}

function taskEnded(
  client: Transport,
  taskId: string,
  options: WaitOptions<Task>,
  timeoutSec: number,
  begun: Waited | null = null,
): Promise<Task> {
  const call: Call = { method: "GET", path: `/v1/tasks/${part(taskId)}`, options: lookOptions({ options }) };
  return ended(() => client.ask<Task>(call), options, { pollIntervalSec: 2, timeoutSec }, begun);
}

/** Waits for jobs of media. */
export class JobsBase extends Resource {
  /** The job once it has succeeded; throws `WaitTimeoutError` or `JobFailedError`. */
  wait(jobId: string, options: WaitOptions<Job> = {}): Promise<Job> {
    return jobEnded(this.client, jobId, options);
  }
}

/** Makes videos and waits for them. */
export class VideosBase extends Resource {
  /** Begins a video and waits for it; throws `WaitTimeoutError` or `JobFailedError`. */
  async generateAndWait(params: VideosGenerateParams, options: WaitOptions<Job> = {}): Promise<Job> {
    judgeTimes(options);
    const call: Call = { method: "POST", path: "/v1/videos/generations", params, hasBody: true, options };
    const begun = await this.client.ask<AcceptedJob>(call);
    return jobEnded(this.client, begun.job_id, options, { id: begun.job_id, status: begun.status });
  }
}

/** Makes 3D models and waits for them. */
export class Models3dBase extends Resource {
  /** Begins a 3D model and waits for it; throws `WaitTimeoutError` or `JobFailedError`. */
  async generateAndWait(params: Models3dGenerateParams, options: WaitOptions<Job> = {}): Promise<Job> {
    judgeTimes(options);
    const call: Call = { method: "POST", path: "/v1/3d/generations", params, hasBody: true, options };
    const begun = await this.client.ask<AcceptedJob>(call);
    return jobEnded(this.client, begun.job_id, options, { id: begun.job_id, status: begun.status });
  }
}

/** Follows runs of agents. */
export class AgentsBase extends Resource {
  /**
   * Waits for a run that was begun, by its id, or begins one and waits for it. It gives the run once it is over, a
   * failed one too, or once it waits for consent; throws `WaitTimeoutError`.
   */
  async runAndWait(run: string | AgentsRunParams, options: WaitOptions<Task> = {}): Promise<Task> {
    if (typeof run === "string") return taskEnded(this.client, run, options, 300);
    judgeTimes(options);
    const call: Call = { method: "POST", path: RUN, params: { ...run, wait: false }, hasBody: true, options };
    const begun = await this.client.ask<Run>(call);
    return taskEnded(this.client, begun.id, options, 300, begun);
  }

  /** Begins a run and streams its steps; after a cut it goes on behind the last one that came. */
  runStream(params: AgentsRunParams, options?: RequestOptions): IterablePromise<RunEvent, Stream<RunEvent>> {
    return this.#streamed({ method: "POST", path: RUN_STREAM, params, hasBody: true, options });
  }

  /** Goes on with the stream of a run behind an event: `task_…:3`; `task_…:0` is the beginning. */
  resumeStream(lastEventId: string, options?: RequestOptions): IterablePromise<RunEvent, Stream<RunEvent>> {
    return this.#streamed({ method: "GET", path: RUN_STREAM, headers: { "Last-Event-ID": lastEventId }, options });
  }

  #streamed(call: Call): IterablePromise<RunEvent, Stream<RunEvent>> {
    const place = runPlace(call, this.client);
    return new IterablePromise(this.client.send(call), (answer) => new Stream<RunEvent>(answer, place));
  }
}

/** Waits for tasks. */
export class TasksBase extends Resource {
  /** The task once it is over, a failed one too, or once it waits for consent; throws `WaitTimeoutError`. */
  wait(taskId: string, options: WaitOptions<Task> = {}): Promise<Task> {
    return taskEnded(this.client, taskId, options, 600);
  }
}
