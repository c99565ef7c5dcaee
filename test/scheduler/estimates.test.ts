import { expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { DONE } from "./ends.ts";
import { settings } from "./settings.ts";

const SERVICE_MS = 10_000;
const SERVERS = ["a", "b", "c", "d"].map((name) => ({ name, url: `http://${name}.example` }));

/** Single-flight servers, and clients each of which sends its next request as soon as one is answered. */
class Loop {
  now = 1_000_000;
  readonly scheduler = new Scheduler(settings({ servers: SERVERS, flow: "address" }), null, this.now);
  /** When each request got its slot. */
  readonly grantedAt = new Map<string, number>();
  readonly #held: { id: string; until: number }[] = [];
  #sent = 0;

  send(flow: string): string {
    const id = `${flow} ${this.#sent++}`;
    this.scheduler.enter({ id, flow }, this.now);
    this.#collect();
    return id;
  }

  /** Until the next request has been answered; its client sends another one, unless it is one of these. */
  next(silent: ReadonlySet<string>): void {
    const { id, until } = this.#held.shift() as { id: string; until: number };
    this.now = until;
    this.scheduler.end(id, DONE, this.now);
    this.#collect();
    const [flow = ""] = id.split(" ");
    if (!silent.has(flow)) this.send(flow);
  }

  startsInMs(id: string): number {
    const place = this.scheduler.placeOf(id) as number;
    return this.scheduler.admission.ticketStartsInMs(id, place, this.now) as number;
  }

  #collect(): void {
    for (const decision of this.scheduler.takeChanges().decisions) {
      if (decision.kind !== "grant") continue;
      this.grantedAt.set(decision.ticket, this.now);
      this.#held.push({ id: decision.ticket, until: this.now + SERVICE_MS });
    }
  }
}

test("what a client is told of its last request comes true, though others go on sending: of each one, a turn goes before each of its own", () => {
  const loop = new Loop();
  for (let n = 0; n < 12; n++) loop.send(`other-${n}`);
  for (let n = 0; n < 60; n++) loop.next(new Set());
  const ids = Array.from({ length: 7 }, () => loop.send("mine"));
  const last = ids.at(-1) as string;
  const told = loop.startsInMs(last);
  const toldAt = loop.now;
  while (!loop.grantedAt.has(last)) loop.next(new Set(["mine"]));
  const waited = (loop.grantedAt.get(last) as number) - toldAt;
  expect(told / waited).toBeGreaterThan(0.75);
  expect(told / waited).toBeLessThan(1.35);
});

test("a heavy client is told how fast it is, and not how fast it would be if all were as heavy", () => {
  const loop = new Loop();
  for (const light of ["x", "y"]) loop.send(light);
  for (let n = 0; n < 40; n++) loop.send("heavy");
  for (let n = 0; n < 60; n++) loop.next(new Set());
  const last = loop.send("heavy");
  const told = loop.startsInMs(last);
  const toldAt = loop.now;
  while (!loop.grantedAt.has(last)) loop.next(new Set(["heavy"]));
  const waited = (loop.grantedAt.get(last) as number) - toldAt;
  expect(told / waited).toBeGreaterThan(0.75);
  expect(told / waited).toBeLessThan(1.35);
});
