import { once } from "node:events";
import net from "node:net";
import { TOKEN } from "../support/sluice.ts";

const SNAPSHOT = "event: snapshot\n";

/**
 * Clients that watch a pool and throw away what they get. Plain sockets, so that watching costs the measuring
 * machine as little as it can: it stands for machines elsewhere.
 */
export class Audience {
  readonly #sockets: net.Socket[] = [];
  /** How many snapshots each has got. */
  #snapshots: number[] = [];

  static async gather(url: string, pool: string, size: number): Promise<Audience> {
    const audience = new Audience();
    for (let n = 0; n < size; n++) await audience.#join(new URL(url), pool);
    return audience;
  }

  /** How many are still connected. */
  get size(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  /** From now on is counted anew. */
  begin(): void {
    this.#snapshots.fill(0);
  }

  /** Of each, the fewest first. */
  get snapshots(): number[] {
    return this.#snapshots.toSorted((a, b) => a - b);
  }

  async leave(): Promise<void> {
    const present = this.#sockets.filter((socket) => !socket.destroyed);
    await Promise.all(present.map((socket) => once(socket.destroy(), "close")));
  }

  #counted(watcher: number): void {
    this.#snapshots[watcher] = (this.#snapshots[watcher] ?? 0) + 1;
  }

  async #join({ hostname, port, host }: URL, pool: string): Promise<void> {
    const buffer = Buffer.alloc(256 * 1024);
    const watcher = this.#snapshots.push(0) - 1;
    const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
    const onread = {
      buffer,
      callback: (size: number) => {
        answer(buffer.toString("latin1", 0, 12));
        // A name that two reads have cut in two is missed; that is rare, and none is counted twice.
        const piece = buffer.subarray(0, size);
        for (let at = piece.indexOf(SNAPSHOT); at >= 0; at = piece.indexOf(SNAPSHOT, at + 1))
          this.#counted(watcher);
        return true;
      },
    };
    const socket = net.connect({ host: hostname, port: Number(port), onread });
    this.#sockets.push(socket);
    socket.write(
      `GET /_sluice/api/pools/${pool}/events HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    const status = await Promise.race([answered, once(socket, "close").then(() => "closed")]);
    if (status !== "HTTP/1.1 200") throw new Error(`a watcher was answered: ${status}`);
  }
}
