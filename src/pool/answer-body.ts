/** How much of a body is searched, and how much is read, in bytes. Beyond that, reading would cost the pool too much. */
const MOST_SEARCHED = 64 * 1024;
const MOST_READ = 1024 * 1024;

/** Reads the body of an answer to a check, and looks for a text in it. Keeps no more of it than the text is long. */
export class AnswerBody {
  /** True as soon as the text has come. */
  found = false;
  /** True if the body was longer than what is searched. */
  isLong = false;
  readonly #text: string | null;
  /** The end of what was searched: the text may have begun there. */
  #tail = "";

  /** `text: null`: none is looked for. */
  constructor(text: string | null) {
    this.#text = text;
  }

  /** Resolves with `true` at the body's end; `false`: it is too long, and its connection was closed. */
  async read(body: ReadableStream<Uint8Array> | null): Promise<boolean> {
    if (!body) return true;
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (let bytes = 0; bytes <= MOST_READ; ) {
      const { done, value } = await reader.read();
      if (done) return true;
      const searched = value.subarray(0, Math.max(0, MOST_SEARCHED - bytes));
      this.#look(decoder.decode(searched, { stream: true }));
      bytes += value.byteLength;
      this.isLong = bytes > MOST_SEARCHED;
    }
    await reader.cancel();
    return false;
  }

  #look(chunk: string): void {
    if (this.#text === null || this.found || chunk === "") return;
    const text = this.#tail + chunk;
    this.found = text.includes(this.#text);
    this.#tail = this.#text.length > 1 ? text.slice(1 - this.#text.length) : "";
  }
}
