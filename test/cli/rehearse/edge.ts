import http from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What Cloudflare's edge does in front of a Worker: it tells it that a client has left also where that one merely closed
 * its connection; and a new version gets new requests, while the old one goes on with its own.
 */
export class Edge {
  readonly url: string;
  /** Where the current version listens; 0: nothing is deployed. */
  port = 0;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => this.#pass(request, response));
  }

  static async start(): Promise<Edge> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Edge(server);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    if (this.port === 0) {
      response.writeHead(404).end("There is nothing here yet");
      return;
    }
    const { method, url, headers } = request;
    const onward = http.request({
      host: "127.0.0.1",
      port: this.port,
      method,
      path: url,
      headers,
      agent: false,
    });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => {
      if (!response.writableFinished) onward.socket?.resetAndDestroy();
    });
    request.pipe(onward);
  }
}
