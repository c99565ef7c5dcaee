/** One message of a WebSocket, as the runtime gives and takes it. */
export type Message = string | ArrayBuffer;

/** Of text, characters: close enough, and free. */
export function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}
