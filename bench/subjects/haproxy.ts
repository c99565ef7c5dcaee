import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { end, launchProxy, newFolder, removeFolder } from "../processes.ts";
import type { Subject } from "./subject.ts";

const PATIENCE_MS = 5_000;

/** HAProxy as its users have it for such servers: one request each, one queue for all, one thread for one core. */
export async function startHaproxy(servers: string[]): Promise<Subject> {
  const folder = newFolder();
  const port = await freePort();
  const list = servers.map((url, n) => `  server s${n} ${new URL(url).host} maxconn 1`);
  writeFileSync(
    join(folder, "haproxy.cfg"),
    `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout queue 1h
frontend clients
  bind 127.0.0.1:${port}
  default_backend servers
backend servers
  balance roundrobin
${list.join("\n")}
`,
  );
  const child = launchProxy("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`HAProxy ended with ${code}`);
  });
  failed.catch(() => {});
  await Promise.race([untilItListens(port), failed]);
  const url = `http://127.0.0.1:${port}`;
  return {
    name: "haproxy",
    url,
    urls: [url],
    pid: child.pid as number,
    stop: async () => {
      await end(child, "SIGKILL");
      removeFolder(folder);
    },
  };
}

/** HAProxy cannot tell which port it was given, so it is told one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function untilItListens(port: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const socket = net.connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      socket.destroy();
    }
  }
}
