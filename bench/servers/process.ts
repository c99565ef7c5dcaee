/** The process of all servers: they share it, and nothing else does. Ends with its parent. */
import { now } from "./clock.ts";
import type { FromServers, ToServers } from "./protocol.ts";
import { type Floor, openServer } from "./server.ts";

const floor: Floor = {
  serviceMs: 0,
  served: 0,
  rejected: 0,
  busyMs: 0,
  busySince: new Set(),
  works: {},
  order: [],
  firstAt: null,
  held: null,
};
const firsts: (number | null)[] = [];

async function open(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let n = 0; n < count; n++) {
    firsts.push(null);
    const takeFirst = () => {
      const first = firsts[n] ?? null;
      firsts[n] = null;
      return first;
    };
    ports.push(await openServer(floor, takeFirst));
  }
  return ports;
}

async function obey(message: ToServers): Promise<FromServers> {
  switch (message.kind) {
    case "open":
      return { ports: await open(message.count) };
    case "work":
      floor.serviceMs = message.serviceMs;
      // Else all of them would finish together, and go on in step.
      for (const n of firsts.keys()) firsts[n] = message.serviceMs * (1 + n / firsts.length);
      return { done: true };
    case "counts": {
      const { served, rejected, held } = floor;
      const at = now();
      const begun = [...floor.busySince].reduce((sum, since) => sum + at - since.at, 0);
      return { served, rejected, busyMs: floor.busyMs + begun, held: held?.length ?? 0, at };
    }
    case "works": {
      const { works } = floor;
      floor.works = {};
      return works;
    }
    case "arrivals": {
      const { order, firstAt } = floor;
      floor.order = [];
      floor.firstAt = null;
      return { order, firstAt };
    }
    case "hold":
      floor.held = [];
      return { done: true };
    case "let-go":
      for (const release of floor.held ?? []) release();
      floor.held = null;
      return { done: true };
  }
}

process.on("message", async (message: ToServers) => process.send?.(await obey(message)));
process.on("disconnect", () => process.exit());
// Ctrl-C is for the parent, which ends this one when it is done.
process.on("SIGINT", () => {});
