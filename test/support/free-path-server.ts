import http from "node:http";
import type { AddressInfo } from "node:net";

/** A server that does one piece of work at a time, and answers `/healthz` beside it. */
export class FreePathServer {
  /** Work that came while other work was under way. */
  overlaps = 0;
  worked = 0;
  /** Requests for `/healthz`. */
  checked = 0;
  /** Answers to `/healthz?held` that the test has yet to give. */
  readonly held: http.ServerResponse[] = [];
  #atWork = 0;
  #port = 0;
  #server: http.Server | null = null;

  static async start(): Promise<FreePathServer> {
    const server = new FreePathServer();
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** After a `stop` on the same port. */
  async start(): Promise<void> {
    const server = http.createServer((request, response) => this.#answer(request, response));
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** As if it was killed. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    this.#atWork = 0;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #answer({ url = "" }: http.IncomingMessage, response: http.ServerResponse): void {
    if (url.startsWith("/healthz")) {
      this.checked++;
      if (url.includes("held")) this.held.push(response);
      else response.end("ok");
      return;
    }
    if (this.#atWork > 0) this.overlaps++;
    this.#atWork++;
    const server = this.#server;
    setTimeout(() => {
      if (this.#server !== server) return;
      this.#atWork--;
      this.worked++;
      response.end("done");
    }, 20);
  }
}
