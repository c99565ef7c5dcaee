import { ask, Problem, poolPath, unreachable } from "./api.ts";

/** Longest silence of a living stream, in ms: Sluice sends a comment after 3 s without an event. */
const SILENCE_MS = 7_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

export interface Listener {
  onEvent: (name: string, data: string) => void;
  /** Any bytes have come. */
  onContact: () => void;
  /** The connection has ended. Another attempt follows, unless the token is no longer accepted. */
  onLost: (problem: Problem) => void;
}

/**
 * Follows a pool's events until the returned function is called. Not by `EventSource`, which hides two things: the
 * comments that tell a quiet pool from a dead network, and the status of a refusal.
 */
export function follow(pool: string, listener: Listener): () => void {
  const stop = new AbortController();
  run(pool, listener, stop.signal);
  return () => stop.abort();
}

async function run(pool: string, listener: Listener, stop: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  let lastId: string | null = null;
  while (!stop.aborted) {
    const onContact = () => {
      pauseMs = FIRST_PAUSE_MS;
      listener.onContact();
    };
    const onEvent: OnEvent = (name, data, id) => {
      lastId = id ?? lastId;
      listener.onEvent(name, data);
    };
    const problem = await connection(pool, lastId, stop, onContact, onEvent);
    if (stop.aborted) return;
    listener.onLost(problem);
    // Each further request would make the browser ask for the password.
    if (problem.status === 401) return;
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)));
    // No hurry for an unknown pool, which only a deploy can bring.
    pauseMs = problem.status === 404 ? LONGEST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** One connection. Resolves with the reason for its end. */
async function connection(
  pool: string,
  lastId: string | null,
  stop: AbortSignal,
  onContact: () => void,
  onEvent: OnEvent,
): Promise<Problem> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const response = await ask(`${poolPath(pool)}/events`, {
      headers: { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) },
      signal: AbortSignal.any([stop, silent.signal]),
    });
    const read = eventReader(onEvent);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      onContact();
      const chunk = await reader?.read();
      if (stop.aborted || !chunk || chunk.done) return unreachable();
      read(chunk.value);
    }
  } catch (error) {
    return error instanceof Problem ? error : unreachable();
  } finally {
    clearTimeout(timer);
  }
}

type OnEvent = (name: string, data: string, id: string | null) => void;

/** Parses server-sent events. The returned function takes the chunks of a stream, however the network has cut them. */
export function eventReader(onEvent: OnEvent): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) readFrame(frame, onEvent);
  };
}

function readFrame(frame: string, onEvent: OnEvent): void {
  let name = "message";
  let id: string | null = null;
  const data: string[] = [];
  for (const line of frame.split("\n")) {
    const colon = line.indexOf(":");
    const [field, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1)];
    const text = value.startsWith(" ") ? value.slice(1) : value;
    if (field === "event") name = text;
    else if (field === "id") id = text;
    else if (field === "data") data.push(text);
  }
  if (data.length > 0) onEvent(name, data.join("\n"), id);
}
