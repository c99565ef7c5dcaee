import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { HeldClient } from "../../load/held-client.ts";
import { until } from "../../measure/until.ts";
import { now } from "../../servers/clock.ts";
import type { SluiceSubject } from "../../subjects/sluice.ts";

/** Clients that wait in the pool until they are told to leave it (bench/workers/leaver.ts). */
export class Leavers {
  readonly #sluice: SluiceSubject;
  readonly #signals: http.Server;
  /** Answers each leaver waits for, by group, in the order of the list. */
  readonly #waiting = new Map<string, http.ServerResponse[]>();

  private constructor(sluice: SluiceSubject) {
    this.#sluice = sluice;
    this.#signals = http.createServer((request, response) => {
      const group = request.url?.slice(1) ?? "";
      this.#waiting.set(group, [...(this.#waiting.get(group) ?? []), response]);
    });
  }

  static async start(sluice: SluiceSubject): Promise<Leavers> {
    const leavers = new Leavers(sluice);
    leavers.#signals.listen(0, "127.0.0.1");
    await once(leavers.#signals, "listening");
    return leavers;
  }

  /** So many join the list, one after the other. */
  async join(group: string, count: number): Promise<void> {
    const { port } = this.#signals.address() as AddressInfo;
    const signal = encodeURIComponent(`http://127.0.0.1:${port}/${group}`);
    const { queued } = await this.#sluice.snapshot();
    for (let n = 1; n <= count; n++) {
      new HeldClient(this.#sluice.leaverUrl, `/order/-1?until=${signal}`, n);
      await this.#sluice.untilQueued(queued + n);
      // That it can be told to leave, too.
      const told = async () => this.#waiting.get(group)?.length ?? 0;
      await until(told, (listening) => listening === n, `${group} leavers`);
    }
  }

  /** They leave one by one: ms until the pool knows, each. */
  async leave(group: string): Promise<number[]> {
    const times: number[] = [];
    for (const response of this.#waiting.get(group) ?? []) {
      const { queued } = await this.#sluice.snapshot();
      const since = now();
      response.end();
      await this.#sluice.untilQueued(queued - 1);
      times.push(now() - since);
    }
    return times;
  }

  async stop(): Promise<void> {
    this.#signals.closeAllConnections();
    this.#signals.close();
    await once(this.#signals, "close");
  }
}
