import type { ServerReport, Work } from "../../rehearsal/messages.ts";
import type { ServerAnswer } from "./deferred.ts";

export interface ServerWork extends Work {
  server: string;
}

/** What all servers say that they did. */
export class Servers {
  readonly #reports: readonly ServerReport[];

  constructor(reports: readonly ServerReport[]) {
    this.#reports = reports;
  }

  /** How many requests came to each server while it was at work, since `before`. A restart of one begins anew. */
  overlapsSince(before: Servers): Map<string, number> {
    const known = new Map(before.#reports.map(({ instance, overlaps }) => [instance, overlaps]));
    return new Map(
      this.#reports.map(({ name, instance, overlaps }) => [name, overlaps - (known.get(instance) ?? 0)]),
    );
  }

  /** The requests whose path begins so, in the order in which they began. */
  works(path: string): ServerWork[] {
    return this.#reports
      .flatMap(({ name, works }) => works.map((work) => ({ ...work, server: name })))
      .filter(({ query }) => query.startsWith(path))
      .sort((a, b) => a.beganAt - b.beganAt);
  }

  /** The answers to them, by path and query. */
  answers(path: string): Map<string, ServerAnswer> {
    return new Map(
      this.works(path).map(({ query, server, digest }) => [query, { query, servedBy: server, digest }]),
    );
  }
}

/** How long each server had nothing to do between two of these requests, in ms. */
export function gapsOf(works: readonly ServerWork[]): number[] {
  const endedAt = new Map<string, number | null>();
  return works.flatMap((work) => {
    const before = endedAt.get(work.server) ?? null;
    endedAt.set(work.server, work.endedAt);
    return before === null ? [] : [work.beganAt - before];
  });
}
