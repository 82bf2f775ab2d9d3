import type { Transport } from "./client.js";

/** Methods of one part of the API. */
export class Resource {
  protected readonly client: Transport;

  constructor(client: Transport) {
    this.client = client;
  }
}
