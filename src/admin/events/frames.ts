/** Server-sent events on the wire. `data` is one line. */
export function frame(event: string, data: string, id?: number): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}

/** A comment: it keeps what lies between from taking the connection for dead. */
export const STILL_HERE = utf8(": still here\n\n");

/** How long a browser waits before it connects again; its own default is several seconds. */
export const RETRY = utf8("retry: 1000\n\n");

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
