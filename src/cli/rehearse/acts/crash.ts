import { fineDuration } from "../../../words/times.ts";
import { Deferred, type ServerAnswer } from "../deferred.ts";
import { beforeTheirTurn } from "../order.ts";
import type { Rehearsal } from "../rehearsal.ts";
import { type Act, notRun, played } from "../report.ts";
import { POOL } from "../stage.ts";
import { median } from "../statistics.ts";
import { reasonsIn } from "../tally.ts";
import { until } from "../until.ts";

const NAME = "crash";
const TITLE = "a crash of Sluice, with deferred requests accepted";
const SERVICE_MS = 50;
const PATIENCE_MS = 10_000;

export async function playCrash(rehearsal: Rehearsal): Promise<Act> {
  const { stage, sizes, admin, headers } = rehearsal;
  const { crash } = stage;
  if (!crash) return notRun(NAME, TITLE, "nobody can kill Cloudflare's runtime");
  const path = rehearsal.path(NAME);
  const deferred = new Deferred(stage.url, { headers, path, search: `?ms=${SERVICE_MS}` });
  const broken: string[] = [];
  await rehearsal.drained(async () => {
    await deferred.submit(sizes.deferred, () =>
      rehearsal.show(`accepted ${deferred.accepted.length}`, "accepting"),
    );
    await crash();
    // A pool of several objects is draining until each of them has said that nothing is in flight.
    const patienceMs = rehearsal.shardCount > 1 ? PATIENCE_MS : 0;
    const drained = await until(async () => (await admin.pool(POOL)).state === "drained", patienceMs);
    const { state, queued } = await admin.pool(POOL);
    if (drained === null) broken.push(`the crash has ended the drain: the pool is ${state}`);
    if (queued !== deferred.accepted.length) broken.push(`${queued} wait after the crash`);
  });
  await deferred.collect(new Told(rehearsal, path), () =>
    rehearsal.show(`answered ${deferred.answered}`, "fetching the answers"),
  );
  const { servers, overlaps } = await rehearsal.servers();
  const places = deferred.placesOf(servers.works(path).map(({ query }) => query));
  const accepted = deferred.accepted.length;
  const lost = accepted - deferred.answered;
  const repeated = places.length - new Set(places).size;
  const early = beforeTheirTurn(places, (await admin.pool(POOL)).servers.length);
  const acceptMs = median(deferred.acceptMs);
  if (deferred.refused.total > 0) broken.push(`not accepted: ${reasonsIn(deferred.refused)}`);
  if (lost > 0) broken.push(`${lost} lost: ${reasonsIn(deferred.lost)}`);
  if (repeated > 0) broken.push(`${repeated} worked twice`);
  if (overlaps > 0) broken.push(`${overlaps} came to a server that was at work`);
  if (early > 0) broken.push(`${early} began before their turn`);
  const summary = `${accepted} accepted, each after ${fineDuration(acceptMs)} (median), ${deferred.answered} answered, ${lost} lost, ${repeated} worked twice, ${early || "none"} before their turn`;
  const figures = { accepted, answered: deferred.answered, lost, repeated, beforeTurn: early, acceptMs };
  return played(NAME, TITLE, broken, summary, figures);
}

/** The servers' record, asked again only for an answer that is not in it yet. */
class Told {
  readonly #rehearsal: Rehearsal;
  readonly #path: string;
  #known: Promise<Map<string, ServerAnswer>> = Promise.resolve(new Map());

  constructor(rehearsal: Rehearsal, path: string) {
    this.#rehearsal = rehearsal;
    this.#path = path;
  }

  async get(query: string): Promise<ServerAnswer | undefined> {
    const known = (await this.#known).get(query);
    if (known) return known;
    this.#known = this.#rehearsal.probe.servers().then((servers) => servers.answers(this.#path));
    return (await this.#known).get(query);
  }
}
