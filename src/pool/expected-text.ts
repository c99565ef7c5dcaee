/** How much of a body is searched, in bytes. */
const MOST_BYTES = 64 * 1024;

/** Looks for a text in a body, of which it reads no more than 64 KiB and keeps no more than the text is long. */
export class ExpectedText {
  /** True as soon as the text has come. */
  found = false;
  readonly #text: string;
  /** The end of what was read: the text may have begun there. */
  #tail = "";

  constructor(text: string) {
    this.#text = text;
  }

  /** Resolves with `true` at the body's end; `false`: it is longer, and its connection was closed. */
  async read(body: ReadableStream<Uint8Array> | null): Promise<boolean> {
    if (!body) return true;
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (let left = MOST_BYTES; ; ) {
      const { done, value } = await reader.read();
      if (done) return true;
      this.#look(decoder.decode(value.subarray(0, left), { stream: true }));
      left -= value.byteLength;
      if (left >= 0) continue;
      await reader.cancel();
      return false;
    }
  }

  #look(chunk: string): void {
    if (this.found) return;
    const text = this.#tail + chunk;
    this.found = text.includes(this.#text);
    this.#tail = this.#text.length > 1 ? text.slice(1 - this.#text.length) : "";
  }
}
