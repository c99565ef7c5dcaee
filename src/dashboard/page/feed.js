import { ask, Problem, poolPath, unreachable } from "./api.js";
import { frameReader } from "./frames.js";

/** A living stream says something every 3 s or so, if only that it is still here. */
const SILENCE_MS = 7_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

/**
 * @typedef {object} Listener
 * @property {(name: string, data: string) => void} event
 * @property {() => void} contact Something came, whatever it was.
 * @property {(problem: Problem) => void} lost It is tried again, unless the token is not taken any more.
 */

/**
 * Follows a pool's events until it is told to stop. Not by `EventSource`: that hides the comments which tell a
 * silent pool from a dead network, and the status of a refusal.
 * @param {string} pool
 * @param {Listener} listener
 * @returns {() => void} Stops it.
 */
export function follow(pool, listener) {
  const stopped = new AbortController();
  run(pool, listener, stopped.signal);
  return () => stopped.abort();
}

/**
 * @param {string} pool
 * @param {Listener} listener
 * @param {AbortSignal} stopped
 */
async function run(pool, listener, stopped) {
  let pauseMs = FIRST_PAUSE_MS;
  /** @type {string | null} */
  let lastId = null;
  while (!stopped.aborted) {
    const problem = await listen(pool, lastId, stopped, {
      contact: () => {
        pauseMs = FIRST_PAUSE_MS;
        listener.contact();
      },
      event: (name, data, id) => {
        lastId = id ?? lastId;
        listener.event(name, data);
      },
    });
    if (stopped.aborted) return;
    listener.lost(problem);
    // Asking again would make the browser ask for the password each time.
    if (problem.status === 401) return;
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)));
    // A deploy may bring the pool that is not there; there is no hurry.
    pauseMs = problem.status === 404 ? LONGEST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/**
 * One connection, to its end.
 * @param {string} pool
 * @param {string | null} lastId
 * @param {AbortSignal} stopped
 * @param {{ contact: () => void, event: (name: string, data: string, id: string | null) => void }} told
 * @returns {Promise<Problem>} why it ended
 */
async function listen(pool, lastId, stopped, { contact, event }) {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const response = await ask(`${poolPath(pool)}/events`, {
      headers: { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) },
      signal: AbortSignal.any([stopped, silent.signal]),
    });
    const read = frameReader(event);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      contact();
      const piece = await reader?.read();
      if (stopped.aborted || !piece || piece.done) return unreachable();
      read(piece.value);
    }
  } catch (error) {
    return error instanceof Problem ? error : unreachable();
  } finally {
    clearTimeout(timer);
  }
}
