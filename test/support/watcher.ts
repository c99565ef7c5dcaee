import { once } from "node:events";
import http from "node:http";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { TOKEN } from "./sluice.ts";

/** One block of a stream of server-sent events; a comment has only that. */
export interface Message {
  event?: string;
  id?: string;
  data?: string;
  comment?: string;
}

/** Somebody who watches a pool through a connection of their own. */
export class Watcher {
  readonly response: http.IncomingMessage;
  /** Everything that has come. */
  readonly messages: Message[] = [];
  readonly #request: http.ClientRequest;
  #looked = 0;
  #text = "";
  #came = Promise.withResolvers<void>();

  private constructor(request: http.ClientRequest, response: http.IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.#read(text));
    response.on("error", () => {});
    response.on("close", () => this.#wake());
  }

  static async start(url: string, pool = "web", headers: http.OutgoingHttpHeaders = {}): Promise<Watcher> {
    const request = http.get(`${url}/_sluice/api/pools/${pool}/events`, {
      agent: false,
      headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
    });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    request.on("error", () => {});
    if (response.statusCode !== 200) throw new Error(`a watcher was answered: ${response.statusCode}`);
    return new Watcher(request, response);
  }

  get ended(): boolean {
    return this.response.destroyed;
  }

  /** The pool's events so far, each as it was told last. */
  get events(): PoolEvent[] {
    const events = this.messages
      .filter(({ id }) => id !== undefined)
      .map(({ data = "" }) => JSON.parse(data));
    return [...new Map(events.map((event: PoolEvent) => [event.id, event])).values()];
  }

  /** The next message, not looked at before, that fits. */
  async next(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      for (; this.#looked < this.messages.length; ) {
        const message = this.messages[this.#looked++] as Message;
        if (fits(message)) return message;
      }
      if (this.ended) throw new Error(`the stream ended after ${JSON.stringify(this.messages)}`);
      await this.#came.promise;
    }
  }

  async event(kind: PoolEvent["kind"]): Promise<PoolEvent> {
    return JSON.parse((await this.next(({ event }) => event === kind)).data ?? "");
  }

  async snapshot(fits: (snapshot: Snapshot) => boolean = () => true): Promise<Snapshot> {
    const message = await this.next(({ event, data = "" }) => event === "snapshot" && fits(JSON.parse(data)));
    return JSON.parse(message.data ?? "");
  }

  leave(): void {
    this.#request.destroy();
  }

  #read(text: string): void {
    const blocks = (this.#text + text).split("\n\n");
    this.#text = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split("\n").map((line) => /^(\w*): (.*)$/.exec(line));
      if (lines.includes(null)) throw new Error(`not a server-sent event: ${block}`);
      const fields = lines.map((line) => [line?.[1] || "comment", line?.[2]]);
      this.messages.push(Object.fromEntries(fields));
    }
    this.#wake();
  }

  #wake(): void {
    this.#came.resolve();
    this.#came = Promise.withResolvers();
  }
}
