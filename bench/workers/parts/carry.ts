/** Takes the request to the server and its answer back. Resolves with the server's last byte. */
export type Carry = (
  server: string,
  request: Request,
  respond: (response: Response) => void,
) => Promise<void>;

/** Does that and nothing else. */
export const carry: Carry = async (server, request, respond) => {
  const response = await fetch(server + new URL(request.url).pathname, {
    headers: request.headers,
    encodeResponseBody: "manual",
  });
  const length = Number(response.headers.get("content-length"));
  const { status, headers } = response;
  const init = { status, headers, encodeBody: "manual" } as const;
  if (length <= SMALL_BYTES) {
    respond(new Response(await response.arrayBuffer(), init));
  } else {
    const relay = RELAYS[request.headers.get("x-relay") ?? ""] ?? readAndGiveOn;
    const { body, ended } = relay(response.body as ReadableStream, length);
    respond(new Response(body, init));
    // Rejects where the client has left.
    await ended.catch(() => {});
  }
};

const SMALL_BYTES = 256 * 1024;
const READ_BYTES = 512 * 1024;

/** `ended` resolves with the server's last byte. */
type Relay = (source: ReadableStream, length: number) => { body: ReadableStream; ended: Promise<void> };

const RELAYS: Record<string, Relay> = {
  /** The runtime's own pipe, which knows neither a server that falls silent nor a client that is slow. */
  pipe: (source, length) => {
    const { readable, writable } = new FixedLengthStream(length);
    return { body: readable, ended: source.pipeTo(writable) };
  },
  /** One branch goes to the client untouched, the other shows where it ends. */
  tee: (source) => {
    const [body, watched] = source.tee();
    return { body, ended: readThrough(watched) };
  },
};

export function readAndGiveOn(
  source: ReadableStream,
  length: number,
): { body: ReadableStream; ended: Promise<void> } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const reader = source.getReader({ mode: "byob" });
  let memory = new ArrayBuffer(READ_BYTES);
  let left = length;
  const body = new ReadableStream<Uint8Array>(
    {
      expectedLength: length,
      async pull(controller) {
        const { value } = await reader.readAtLeast(Math.min(READ_BYTES, left), new Uint8Array(memory));
        if (value) {
          memory = value.buffer as ArrayBuffer;
          left -= value.byteLength;
          controller.enqueue(value);
        }
        if (value && left > 0) return;
        controller.close();
        resolve();
      },
      cancel: () => resolve(),
    },
    { highWaterMark: 0 },
  );
  return { body, ended };
}

async function readThrough(source: ReadableStream): Promise<void> {
  const reader = source.getReader({ mode: "byob" });
  let memory = new ArrayBuffer(READ_BYTES);
  for (;;) {
    const { done, value } = await reader.readAtLeast(READ_BYTES, new Uint8Array(memory));
    if (done) return;
    memory = value.buffer as ArrayBuffer;
  }
}
