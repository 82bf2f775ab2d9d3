// What methods return: promises that also know the answer's headers, and can be iterated where they bring many values.
import { requestIdOf } from "./errors.js";
import type { HttpResponse } from "./request.js";

/** An answer: a whole one has been read. */
export interface Answer {
  response: HttpResponse;
  text: string | null;
  controller: AbortController;
  /** Milliseconds to wait for each piece of a stream. */
  limit: number;
  /** Forgets the caller's signal, once a stream is over. */
  release?: () => void;
}

/** A value together with the answer that brought it. */
export interface WithResponse<T> {
  data: T;
  response: HttpResponse;
  requestId: string | null;
}

/** The promise of an answer's value; `asResponse` and `withResponse` give the answer itself. */
export class APIPromise<T> extends Promise<T> {
  readonly #answer: Promise<Answer>;
  readonly #parse: (answer: Answer) => T | Promise<T>;
  #value: Promise<T> | undefined;

  constructor(answer: Promise<Answer>, parse: (answer: Answer) => T | Promise<T>) {
    super((resolve) => resolve(undefined as T));
    this.#answer = answer;
    this.#parse = parse;
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** The answer as `fetch` gives it, its body not yet read. */
  async asResponse(): Promise<HttpResponse> {
    const { response, text } = await this.#answer;
    if (text === null) return response;
    return new Response(text, { status: response.status, statusText: response.statusText, headers: response.headers });
  }

  /** The value, the answer with its status and headers, and the id of the request. */
  async withResponse(): Promise<WithResponse<T>> {
    const [data, { response }] = [await this.#parsed(), await this.#answer];
    return { data, response, requestId: requestIdOf(response.headers) };
  }

  #parsed(): Promise<T> {
    this.#value ??= this.#answer.then(this.#parse);
    return this.#value;
  }

  override then<A = T, B = never>(
    onValue?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((error: any) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#parsed().then(onValue, onError);
  }

  override catch<B = never>(onError?: ((error: any) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#parsed().catch(onError);
  }

  override finally(onEnd?: (() => void) | null): Promise<T> {
    return this.#parsed().finally(onEnd);
  }
}

/** The promise of what brings many values: `for await` reads them without another `await`. */
export class IterablePromise<Element, T extends AsyncIterable<Element>> extends APIPromise<T> {
  async *[Symbol.asyncIterator](): AsyncGenerator<Element> {
    yield* await this;
  }
}

/** One page of a list; `for await (const each of page)` reads all pages. */
export class Page<Element> implements AsyncIterable<Element> {
  readonly data: Element[] = [];
  readonly has_more: boolean = false;
  readonly next_cursor?: string | null;
  readonly last_id?: string | null;
  readonly #next: (query: Record<string, string>) => Promise<Page<Element>>;

  constructor(body: object, next: (query: Record<string, string>) => Promise<Page<Element>>) {
    Object.assign(this, body);
    this.#next = next;
  }

  /** True where another page follows. */
  hasNextPage(): boolean {
    return this.#query() !== null;
  }

  /** The page that follows, or null at the end. */
  async getNextPage(): Promise<Page<Element> | null> {
    const query = this.#query();
    return query === null ? null : this.#next(query);
  }

  /** This page and those that follow. */
  async *iterPages(): AsyncGenerator<Page<Element>> {
    for (let page: Page<Element> | null = this; page !== null; page = await page.getNextPage()) yield page;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Element> {
    for await (const page of this.iterPages()) yield* page.data;
  }

  #query(): Record<string, string> | null {
    if (!this.has_more) return null;
    if (this.next_cursor) return { cursor: this.next_cursor };
    return this.last_id ? { after: this.last_id } : null;
  }
}

/** The promise of a page; `for await` reads the elements of all pages. */
export type PagePromise<Element> = IterablePromise<Element, Page<Element>>;
