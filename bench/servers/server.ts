import net from "node:net";
import { bodyAnswer } from "./bodies.ts";
import { now } from "./clock.ts";

/** What all servers of the process share. */
export interface Floor {
  serviceMs: number;
  served: number;
  rejected: number;
  /** Of what is done; what is not began at these times. */
  busyMs: number;
  busySince: Set<{ at: number }>;
  /** By client, of what is done. */
  works: Record<string, number>;
  order: number[];
  firstAt: number | null;
  /** Answers to requests that are held; `null`: nobody is held (any more). */
  held: (() => void)[] | null;
}

const OK = answer(200, "ok\n");
const BUSY = answer(503, "query rejected, already processing\n");
const UNKNOWN = answer(404, "no such path\n");

/**
 * An HTTP server that costs next to nothing, so that what stands before it is what is measured: GET without a
 * body, keep-alive, as many answers as questions. `/work` and `/serve/<ms>?key=<client>` are single-flight and reject a
 * second request.
 */
export function openServer(floor: Floor, firstServiceMs: () => number | null): Promise<number> {
  let busy = false;
  const work = (socket: net.Socket, forMs: number, client?: string) => {
    if (busy) {
      floor.rejected++;
      socket.write(BUSY);
      return;
    }
    busy = true;
    const since = { at: now() };
    floor.busySince.add(since);
    setTimeout(() => {
      busy = false;
      const tookMs = now() - since.at;
      floor.busyMs += tookMs;
      if (client !== undefined) floor.works[client] = (floor.works[client] ?? 0) + tookMs;
      floor.busySince.delete(since);
      floor.served++;
      socket.write(OK);
    }, forMs);
  };
  const respond = (socket: net.Socket, path: string) => {
    if (path === "/") socket.write(OK);
    else if (path === "/work") work(socket, firstServiceMs() ?? floor.serviceMs);
    else if (path.startsWith("/serve/")) {
      const [, ms, client] = /^\/serve\/(\d+)\?key=(\w+)$/.exec(path) ?? [];
      if (ms === undefined) socket.write(UNKNOWN);
      else work(socket, Number(ms), client);
    } else if (path.startsWith("/body/")) socket.write(bodyAnswer(path) ?? UNKNOWN);
    else if (path.startsWith("/order/")) {
      floor.firstAt ??= now();
      floor.order.push(Number(path.slice("/order/".length)));
      socket.write(OK);
    } else if (path.startsWith("/hold/")) {
      const release = () => socket.write(OK);
      if (floor.held) floor.held.push(release);
      else release();
    } else socket.write(UNKNOWN);
  };
  const server = net.createServer({ noDelay: true }, (socket) => {
    let unread = "";
    socket.setEncoding("latin1").on("data", (chunk) => {
      unread += chunk;
      for (let end = unread.indexOf("\r\n\r\n"); end >= 0; end = unread.indexOf("\r\n\r\n")) {
        const path = unread.slice(unread.indexOf(" ") + 1, unread.indexOf(" HTTP/"));
        unread = unread.slice(end + 4);
        respond(socket, path);
      }
    });
    // Proxies close connections as they like.
    socket.on("error", () => {});
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
      resolve((server.address() as net.AddressInfo).port);
    });
  });
}

function answer(status: number, body: string): Buffer {
  const head = `HTTP/1.1 ${status} ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.from(head + body, "latin1");
}
