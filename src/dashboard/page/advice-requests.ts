import { isFailing } from "../../words/condition.ts";
import type { Advice, Facts, Symptoms } from "./advice-causes.ts";
import { refusalWords, retryWords, sentences } from "./advice-words.ts";
import { AGAINST_FAILURES } from "./deferred-words.ts";

export function onBrokenConnections({ now }: Facts, { refusals }: Symptoms): Advice {
  const text = sentences(
    `${refusalWords(refusals, now)}: servers cannot be reached or break off`,
    "Look at the servers and their logs",
    retryWords(refusals),
  );
  return { cause: "broken", weight: "bad", text };
}

export function onClients({ now }: Facts, { refusals }: Symptoms): Advice {
  const text = sentences(
    `${refusalWords(refusals, now)}: uploads stop for longer than client_timeout`,
    "Raise it if the clients are only slow",
  );
  return { cause: "clients", weight: "plain", text };
}

/** Each has a code of its own. */
export function onOtherFailures({ now }: Facts, { refusals }: Symptoms): Advice {
  const code = refusals[0]?.code ?? "";
  const weight = refusals.some(isFailing) ? "bad" : "plain";
  const why = AGAINST_FAILURES[code];
  const text = sentences(
    `${refusalWords(refusals, now)}${why === undefined ? "" : `: ${why}`}`,
    retryWords(refusals) ?? "See the events",
  );
  return { cause: `failed ${code}`, weight, text };
}
