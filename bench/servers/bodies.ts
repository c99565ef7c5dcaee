import { gzipSync } from "node:zlib";

export const SIZES = { "1 KB": 1_000, "100 KB": 100_000, "10 MB": 10_000_000 } as const;
export const ENCODINGS = ["plain", "gzip"] as const;

const WORDS =
  "slot lease queue drain server request worker pool grant ticket ledger alarm resume origin".split(" ");
const answers = new Map<string, Buffer>();

/** `/body/<bytes>/<encoding>`: an answer with that many bytes of body on the wire. */
export function bodyAnswer(path: string): Buffer | undefined {
  const known = answers.get(path);
  if (known) return known;
  const match = /^\/body\/(\d+)\/(plain|gzip)$/.exec(path);
  if (!match) return undefined;
  const body = compressedText(Number(match[1]));
  const encoding = match[2] === "gzip" ? "Content-Encoding: gzip\r\n" : "";
  const type = match[2] === "gzip" ? "text/plain" : "application/octet-stream";
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${encoding}Content-Length: ${body.length}\r\n\r\n`;
  const whole = Buffer.concat([Buffer.from(head, "latin1"), body]);
  answers.set(path, whole);
  return whole;
}

/**
 * A gzip stream of about `size` bytes with some three times as much text in it: sent plain as well, so that both
 * have the same bytes and whoever unpacks the one pays for it.
 */
export function compressedText(size: number): Buffer {
  // How well it compresses shows only afterwards; a second or third attempt is within three per cent.
  let length = size * 3;
  for (;;) {
    const packed = gzipSync(text(length), { level: 1 });
    if (Math.abs(packed.length / size - 1) < 0.03) return packed;
    length = Math.round((length * size) / packed.length);
  }
}

function text(length: number): string {
  let state = 1;
  let all = "";
  while (all.length < length) {
    // The usual constants of a linear congruential generator; its low bits repeat too soon.
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    all += `${WORDS[(state >>> 8) % WORDS.length]} ${(state >>> 12) % 1000} `;
  }
  return all.slice(0, length);
}
