import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A server that keeps what comes as bytes, where Node's own would refuse it, and answers each the same. */
export class WireServer {
  /** Each request's lines, as Latin-1. */
  readonly requests: string[] = [];
  readonly url: string;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Ends with the test. */
  static async start(answer = "HTTP/1.1 204 No Content\r\n\r\n"): Promise<WireServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const self = new WireServer((server.address() as AddressInfo).port);
    server.on("connection", (socket) => {
      let head = "";
      onTestFinished(() => void socket.destroy());
      socket.on("error", () => {});
      socket.setEncoding("latin1").on("data", (part) => {
        head += part;
        if (!head.endsWith("\r\n\r\n")) return;
        self.requests.push(head);
        head = "";
        socket.write(answer, "latin1");
      });
    });
    onTestFinished(() => void server.close());
    return self;
  }
}

/** What comes back for these lines of a request, byte for byte, as Latin-1. */
export async function answerTo(url: string, lines: readonly string[], body = ""): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.setEncoding("latin1").write([...lines, "Connection: close", "", body].join("\r\n"), "latin1");
  return text(socket);
}
