import { HeldClient } from "../load/held-client.ts";
import { median } from "../measure/statistics.ts";
import { Rows } from "../rows.ts";
import { now } from "../servers/clock.ts";
import type { SluiceSubject } from "../subjects/sluice.ts";
import { type Scenario, sideBySide } from "./scenario.ts";

const WAITING = 40;
const RESUMES_A_ROUND = 5;

export const drain: Scenario = {
  name: "drain",
  about: "40 requests wait in a drained pool with 10 servers; HAProxy would have refused them",
  async run(context) {
    const rows = new Rows(this.name);
    const setting = { context, name: this.name, subjects: ["sluice"] as const, servers: 10 };
    await sideBySide(setting, async (subject, servers) => {
      const sluice = subject as SluiceSubject;
      const firsts: number[] = [];
      const lasts: number[] = [];
      for (let n = 0; n < RESUMES_A_ROUND; n++) {
        await sluice.untilIdle();
        await sluice.drain();
        const clients = Array.from(
          { length: WAITING },
          (_, n) => new HeldClient(sluice.url, `/order/${n}`, n),
        );
        await sluice.untilQueued(WAITING);
        await servers.arrivals();
        const since = now();
        await sluice.resume();
        for (const { answer } of clients) {
          if ((await answer) !== 200) throw new Error(`a request that waited got ${await answer}`);
        }
        lasts.push(now() - since);
        firsts.push(((await servers.arrivals()).firstAt as number) - since);
      }
      rows.add("resume to first dispatch", "ms", "sluice", median(firsts));
      rows.add("resume to last answer", "ms", "sluice", median(lasts));
    });
    return { rows: rows.all, notes: [] };
  },
};
