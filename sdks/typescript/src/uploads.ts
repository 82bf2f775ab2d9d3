import { type Call, type RequestOptions, toFile, type Uploadable } from "./request.js";
import { Resource } from "./resource.js";
import type { Upload } from "./types.js";

/** Uploads reference images. */
export class UploadsBase extends Resource {
  /** Stores a reference image. Its `url` and `id` go into fields of media. */
  async upload(
    file: Uploadable,
    options: RequestOptions & { filename?: string; contentType?: string } = {},
  ): Promise<Upload> {
    const named = await toFile(file, options.filename, options.contentType ? { type: options.contentType } : {});
    const call: Call = { method: "POST", path: "/v1/generation/upload", params: { file: named }, isForm: true };
    return this.client.ask<Upload>({ ...call, options });
  }
}
