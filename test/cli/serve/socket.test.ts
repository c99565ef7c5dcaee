import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { commandPath } from "../../support/bundle.ts";
import { send } from "../../support/client.ts";
import { Fleet, Project } from "./support.ts";

/** As systemd does it: the socket listens all the time, and each process that is started gets it. */
const TWICE = `for time in 1 2; do
  sh -c 'echo $$; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"' "$0" "$@" 2>&1
done`;

const descriptorOf = (server: Server) => (server as unknown as { _handle: { fd: number } })._handle.fd;

test("with a socket of systemd's, who comes while Sluice is restarted waits for the next start, and is answered", async () => {
  const fleet = await Fleet.start(1, 300);
  const project = await Project.make({ web: { servers: fleet.list } });
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const supervisor = spawn("sh", ["-c", TWICE, process.execPath, commandPath(), "serve"], {
    cwd: project.path,
    stdio: ["ignore", "pipe", "ignore", descriptorOf(server)],
  });
  // From here on nobody but the supervisor's processes has the socket.
  server.close();
  const lines = createInterface({ input: supervisor.stdout as Readable });
  const heard: string[] = [];
  const pids = () => heard.filter((line) => /^\d+$/.test(line)).map(Number);
  lines.on("line", (line) => heard.push(line));
  const said = (text: string, times: number) =>
    expect.poll(() => heard.filter((line) => line.includes(text)).length).toBe(times);
  onTestFinished(async () => {
    supervisor.kill("SIGKILL");
    for (const pid of pids()) if (!hasEnded(pid)) process.kill(pid, "SIGKILL");
    await once(lines, "close");
  });

  await said("sluice: serves", 1);
  expect(heard).toContain(
    `sluice: serves 1 pool, 1 server of wrangler.jsonc on http://*:${port}, state in .sluice`,
  );
  const url = `http://127.0.0.1:${port}`;
  const inFlight = send(url, { path: "/1" });
  await expect.poll(() => fleet.served).toEqual(["/1"]);
  process.kill(pids()[0] as number, "SIGTERM");
  await said("sluice: stops", 1);
  const late = ["/2", "/3", "/4"].map((path) => send(url, { path }));
  expect((await inFlight).status).toBe(200);
  await said("sluice: serves", 2);
  expect((await Promise.all(late)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(fleet.rejected).toBe(0);
});

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
