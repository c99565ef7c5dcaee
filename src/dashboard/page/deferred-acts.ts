import { counted } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { callForStatus, type DeferredRequest, poolPath } from "./api.ts";
import { now } from "./clock.ts";
import { ask } from "./dialog.ts";
import { make } from "./dom.ts";

/** `done`: called after an act that Sluice has accepted. */
export function cancelRequest(pool: string, request: DeferredRequest, done: () => void): void {
  const name = nameOf(request);
  const effect =
    request.state === "running"
      ? "A server is at work on it. It is cut off, or left to finish for nothing, as on_client_abort says. Nobody gets its answer."
      : "It leaves the waiting list, and no server gets it.";
  ask({
    title: `Cancel ${name}?`,
    body: [make("p", "", identity(request)), make("p", "", effect)],
    confirm: "Cancel the request",
    dismiss: "Keep it",
    run: async () => {
      const status = await callForStatus("DELETE", `${pathOf(pool, request)}?forget=false`);
      done();
      return `${name} is ${status === 202 ? "being stopped" : "canceled"}.`;
    },
  });
}

export function retryRequest(pool: string, request: DeferredRequest, done: () => void): void {
  const { attempts } = request;
  const name = nameOf(request);
  const effect = "It goes to the end of the waiting list, and to a server when its turn comes.";
  const twice =
    `It was tried ${counted(attempts, "time")} before. A server may have done its work without being able to ` +
    "say so, and would do it once more.";
  ask({
    title: `Retry ${name}?`,
    body: [
      make("p", "", identity(request)),
      make("p", "", effect),
      ...(attempts > 0 ? [make("p", "warning", twice)] : []),
    ],
    confirm: "Retry",
    run: async () => {
      await callForStatus("POST", `${pathOf(pool, request)}/retry`);
      done();
      return `${name} waits again.`;
    },
  });
}

export function nameOf({ method, path }: DeferredRequest): string {
  return `${method} ${path}`;
}

function identity({ number, acceptedAt, code, state }: DeferredRequest): string {
  const why = state === "failed" && code !== null ? ` It has failed: ${code}.` : "";
  return `Number ${number}, accepted at ${clockInWords(acceptedAt, now())}.${why}`;
}

function pathOf(pool: string, { id }: DeferredRequest): string {
  return `${poolPath(pool)}/deferred/${encodeURIComponent(id)}`;
}
