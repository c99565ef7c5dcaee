import { once } from "node:events";
import net from "node:net";
import { TOKEN } from "../support/sluice.ts";

/**
 * Clients that watch a pool and throw away what they get. Plain sockets, so that watching costs the measuring
 * machine as little as it can: it stands for machines elsewhere.
 */
export class Audience {
  bytes = 0;
  readonly #sockets: net.Socket[] = [];

  static async gather(url: string, pool: string, size: number): Promise<Audience> {
    const audience = new Audience();
    for (let n = 0; n < size; n++) await audience.#join(new URL(url), pool);
    return audience;
  }

  /** How many are still connected. */
  get size(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  async leave(): Promise<void> {
    const present = this.#sockets.filter((socket) => !socket.destroyed);
    await Promise.all(present.map((socket) => once(socket.destroy(), "close")));
  }

  async #join({ hostname, port, host }: URL, pool: string): Promise<void> {
    const buffer = Buffer.alloc(256 * 1024);
    const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
    const onread = {
      buffer,
      callback: (size: number) => {
        answer(buffer.toString("latin1", 0, 12));
        this.bytes += size;
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
