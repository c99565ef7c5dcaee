import { counted } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import type { DeferredRequest } from "./api.ts";
import { now } from "./clock.ts";
import { cancelAct, type Listing, nameOf, retryAct } from "./deferred-acts.ts";
import type { Question } from "./dialog.ts";
import { make } from "./dom.ts";
import type { Say } from "./notices.ts";

export function cancelQuestion(pool: string, request: DeferredRequest, listing: Listing): Question {
  const effect =
    request.state === "running"
      ? "A server is at work on it. It is cut off, or left to finish for nothing, as on_client_abort says. Nobody gets its answer."
      : "It leaves the waiting list, and no server gets it.";
  return {
    pool,
    title: `Cancel ${nameOf(request)}?`,
    body: [make("p", "", identity(request)), make("p", "", effect)],
    confirm: "Cancel the request",
    dismiss: "Keep it",
    act: () => cancelAct(pool, request, listing),
    moot: changed(request, listing),
  };
}

export function retryQuestion(pool: string, request: DeferredRequest, listing: Listing): Question {
  const { attempts } = request;
  const effect = "It goes to the end of the waiting list, and to a server when its turn comes.";
  const twice =
    `It was tried ${counted(attempts, "time")} before. A server may have done its work without being able to ` +
    "say so, and would do it once more.";
  return {
    pool,
    title: `Retry ${nameOf(request)}?`,
    body: [
      make("p", "", identity(request)),
      make("p", "", effect),
      ...(attempts > 0 ? [make("p", "warning", twice)] : []),
    ],
    confirm: "Retry",
    act: () => retryAct(pool, request, listing),
    moot: changed(request, listing),
  };
}

/** A list that no longer has the request says nothing: it may show others only. */
function changed(request: DeferredRequest, { find }: Listing): Say {
  return () => {
    const state = find(request.id)?.state ?? request.state;
    return state === request.state ? null : `${nameOf(request)} is ${state} by now.`;
  };
}

function identity({ number, acceptedAt, code, state }: DeferredRequest): string {
  const why = state === "failed" && code !== null ? ` It has failed: ${code}.` : "";
  return `Number ${number}, accepted at ${clockInWords(acceptedAt, now())}.${why}`;
}
