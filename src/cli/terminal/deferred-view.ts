import cliTruncate from "cli-truncate";
import type { ListedRequest } from "../../admin/deferred.ts";
import { clock, duration } from "../../words/times.ts";
import { printable, type Style } from "./output.ts";
import { type Column, table, titled } from "./table.ts";

/** Bounds of a path on a terminal, and what the other columns usually take, in columns. */
const [SHORTEST_PATH, LONGEST_PATH, OTHERS] = [16, 60, 70];
/** Characters of an id on a terminal: enough to tell two of a list apart. */
const SHORT_ID = 8;

/**
 * A table of deferred requests, a line each. On a terminal (`width` is finite) paths are shortened, and ids too where
 * there is room for them at all: a request is called by its number there, and whoever has its id can read its answer.
 */
export function deferredView(
  requests: readonly ListedRequest[],
  style: Style,
  now: number,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const isShort = Number.isFinite(width);
  const pathWidth = Math.min(LONGEST_PATH, Math.max(SHORTEST_PATH, width - OTHERS));
  const columns: Column<ListedRequest>[] = [
    { title: "NUMBER", cell: ({ number }) => style("bold", String(number)), right: true },
    { title: "STATE", cell: ({ state }) => stateWord(state, style) },
    { title: "METHOD", cell: ({ method }) => printable(method) },
    {
      title: "PATH",
      cell: ({ path }) => (isShort ? cliTruncate(printable(path), pathWidth) : printable(path)),
    },
    { title: "ACCEPTED", cell: ({ acceptedAt }) => clock(acceptedAt, now) },
    { title: "WAITED", cell: (request) => waited(request, now), right: true },
    { title: "TOOK", cell: (request) => took(request, now), right: true },
    {
      title: "ATTEMPTS",
      cell: ({ endedAt, attempts }) => (endedAt === null ? "–" : String(attempts)),
      right: true,
      usual: ({ attempts }) => attempts < 2,
    },
    { title: "RESULT", cell: ({ status, code }) => resultWord(status, code, style) },
    {
      title: "ID",
      cell: ({ id }) => style("dim", id === null ? "–" : isShort ? shortId(id) : id),
      usual: () => isShort,
    },
  ];
  return titled(table(columns, requests, width), style);
}

export function shortId(id: string): string {
  return `${printable(id).slice(0, SHORT_ID)}…`;
}

function stateWord(state: ListedRequest["state"], style: Style): string {
  if (state === "failed") return style("red", state);
  if (state === "canceled") return style("dim", state);
  return state === "answered" ? style("green", state) : style("cyan", state);
}

/** For its last attempt, or till its end without one. */
function waited({ acceptedAt, startedAt, endedAt, state }: ListedRequest, now: number): string {
  // A lease of which the pool has not heard any more: it asks what became of the request.
  if (state === "running" && startedAt === null) return "–";
  const until = startedAt ?? endedAt;
  return duration((until === null ? now : Date.parse(until)) - Date.parse(acceptedAt));
}

function took({ startedAt, endedAt }: ListedRequest, now: number): string {
  if (startedAt === null) return "–";
  return duration((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt));
}

function resultWord(status: number | null, code: string | null, style: Style): string {
  if (code !== null) return style("red", printable(code));
  return status === null ? "–" : String(status);
}
