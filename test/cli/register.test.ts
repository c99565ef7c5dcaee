import type { ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Answer, Connections, statuses } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Run, type RunOptions } from "./command.ts";
import { relayTo } from "./stage.ts";

/** How long ten servers come and go; by hand a minute and more: `SLUICE_CHURN_MS=90000 npx vitest run …`. */
const CHURN_MS = Number(process.env.SLUICE_CHURN_MS ?? 5_000);
const PROCESS = join(import.meta.dirname, "single-flight-process.mjs");

async function stage(keys: object = {}): Promise<Sluice> {
  const check = { path: "/ready", interval: "100ms", rise: 1, fall: 1 };
  const pools = { web: { register: { urls: ["*"] }, check, max_queue: 100_000, ...keys } };
  const sluice = await Sluice.start({ pools });
  onTestFinished(() => sluice.stop());
  return sluice;
}

async function origin(): Promise<Origin> {
  const started = await Origin.start((_, response) => response.end("ready"));
  onTestFinished(() => started.stop());
  return started;
}

/** A gateway that has nothing behind it. `asked` resolves once it has answered several requests. */
async function unavailable(): Promise<{ origin: Origin; asked: Promise<void> }> {
  const several = Promise.withResolvers<void>();
  let count = 0;
  const started = await Origin.start((_, response) => {
    response.writeHead(502).end();
    if (++count === 3) several.resolve();
  });
  onTestFinished(() => started.stop());
  return { origin: started, asked: several.promise };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Given {
  name?: string;
  url: string;
  args?: string[];
  command?: string[];
}

/** `sluice register` for the pool `web`, which renews often. */
function register(sluice: { url: string }, { name = "gpu-7", url, args = [], command = [] }: Given): Run {
  const given = [
    "--pool",
    "web",
    "--url",
    url,
    "--name",
    name,
    "--every",
    "200ms",
    "--expires",
    "2s",
    ...args,
  ];
  const words = command.length > 0 ? ["--", ...command] : [];
  return new Run(["register", "--json", ...given, ...words], { url: sluice.url });
}

/** The same with a server as its command, a process of its own. */
function serving(sluice: { url: string }, port: number, name = "gpu-7", serviceMs = 20): Run {
  const command = [process.execPath, PROCESS, String(port), String(serviceMs)];
  return register(sluice, { name, url: `http://127.0.0.1:${port}`, command });
}

const isUp = (name: string) => (pool: Awaited<ReturnType<Sluice["snapshot"]>>) =>
  pool.servers.some((one) => one.name === name && one.health === "up" && one.registered !== undefined);

describe("a server that registers itself", () => {
  test("serves, and is out within its time once it and its `sluice register` are killed", async () => {
    const sluice = await stage();
    const port = await freePort();
    const run = serving(sluice, port);
    await sluice.until("web", isUp("gpu-7"));
    const client = new Connections(sluice.url);
    expect(await client.get("/")).toMatchObject({ status: 200, body: "served" });
    const { registered } = (await sluice.snapshot("web")).servers[0] ?? {};
    const pid = Number(await (await fetch(`http://127.0.0.1:${port}/ready`)).text());
    run.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
    await sluice.until("web", ({ servers }) => servers.length === 0);
    // Within its time, that is: not before the last one that was told while it lived.
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(String(registered?.expiresAt)));
    client.close();
  });

  test("ten of them come and go under load: no server is asked for two things at once, and no request is lost", async () => {
    // A check finds nobody listening while the process starts, or one that is late to answer; its slot is not to stay
    // closed for longer than that.
    const sluice = await stage({ quarantine: { broken: "50ms", max: "1s" } });
    const client = new Connections(sluice.url);
    onTestFinished(() => client.close());
    const endsAt = Date.now() + CHURN_MS;
    const ports = await Promise.all(Array.from({ length: 10 }, freePort));
    const codes: (number | string | null)[] = [];
    let isOver = false;
    const cycles = ports.map(async (port, nth) => {
      // They come one after the other, and each stays for another while.
      await sleep(nth * 100);
      for (let round = 0; Date.now() < endsAt || round === 0; round++) {
        const run = serving(sluice, port, `gpu-${nth}`, 50);
        // Its process answers: from then on it knows what the signal means.
        await sluice.until("web", isUp(`gpu-${nth}`));
        await sleep(500 + 300 * ((nth * 7 + round * 3) % 10));
        run.kill("SIGTERM");
        codes.push(await run.code);
      }
    });
    const answers: Answer[] = [];
    const clients = Array.from({ length: 12 }, async (_, nth) => {
      for (let n = 0; !isOver; n++) answers.push(await client.get(`/${nth}/${n}`));
    });
    await Promise.all(cycles);
    // Somebody has to be there for those who still wait.
    const last = serving(sluice, ports[0] as number, "gpu-0");
    isOver = true;
    await Promise.all(clients);
    await sluice.until("web", isUp("gpu-0"));
    last.kill("SIGTERM");
    codes.push(await last.code);
    expect(statuses(answers)).toEqual({ 200: answers.length });
    expect(answers.length).toBeGreaterThan(50);
    expect(new Set(codes)).toEqual(new Set([7]));
    expect(await sluice.until("web", ({ servers }) => servers.length === 0)).toMatchObject({ queued: 0 });
    process.stdout.write(
      `${codes.length} servers have come and gone in ${CHURN_MS} ms, ${answers.length} requests\n`,
    );
  });
});

describe("at the end of `sluice register`", () => {
  test("the server gets nothing more, what it has in flight finishes, and only then its process gets the signal", async () => {
    const sluice = await stage();
    const port = await freePort();
    const run = serving(sluice, port, "gpu-7", 800);
    await sluice.until("web", isUp("gpu-7"));
    const client = new Connections(sluice.url);
    const inFlight = client.get("/long");
    await sluice.until("web", (pool) => pool.inFlight === 1);
    run.kill("SIGTERM");
    await run.saw("leaving");
    const left = await sluice.until("web", ({ servers }) => servers[0]?.registered === undefined);
    expect(left.servers).toMatchObject([{ name: "gpu-7", slots: 0, inFlight: 1 }]);
    expect(await inFlight).toMatchObject({ status: 200, body: "served" });
    expect(await run.code).toBe(7);
    expect(run.events.map(({ event }) => event)).toEqual([
      "running",
      "registered",
      "leaving",
      "left",
      "command",
    ]);
    expect((await sluice.snapshot("web")).servers).toEqual([]);
    client.close();
  });

  test("after `--drain-timeout` the signal is passed on all the same, and the requests are named", async () => {
    const sluice = await stage();
    const server = await origin();
    const run = register(sluice, {
      ...{ url: server.url, args: ["--drain-timeout", "300ms"] },
      command: ["sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done"],
    });
    await sluice.until("web", isUp("gpu-7"));
    const arrived = Promise.withResolvers<ServerResponse>();
    server.answer = ({ url }, response) => {
      if (url === "/ready") response.end();
      else arrived.resolve(response);
    };
    const inFlight = fetch(sluice.url).catch(() => null);
    const response = await arrived.promise;
    run.kill("SIGTERM");
    expect((await run.saw("left")).inFlight).toBe(1);
    expect(await run.code).toBe(5);
    response.end();
    await inFlight;
  });

  test.each([
    ["ends by itself", "exit 3", 3],
    ["cannot be run", "exec ./none", 127],
  ])("that %s, its server leaves at once, and the code is its own", async (_, script, code) => {
    const sluice = await stage();
    const server = await origin();
    const run = register(sluice, { url: server.url, command: ["sh", "-c", `sleep 0.3; ${script}`] });
    await sluice.until("web", ({ servers }) => servers.length === 1);
    expect(await run.code).toBe(code);
    expect((await sluice.snapshot("web")).servers).toEqual([]);
  });

  test("without a command it renews until a signal, and ends with 0", async () => {
    const sluice = await stage();
    const server = await origin();
    const run = register(sluice, { url: server.url, args: ["--slots", "3", "--weight", "2"] });
    const first = await sluice.until("web", isUp("gpu-7"));
    expect(first.servers).toMatchObject([{ slots: 3, weight: 2, registered: { by: "admin" } }]);
    const { expiresAt = "" } = first.servers[0]?.registered ?? {};
    await sluice.until("web", ({ servers }) => String(servers[0]?.registered?.expiresAt) > String(expiresAt));
    run.kill("SIGINT");
    expect(await run.code).toBe(0);
    expect((await sluice.snapshot("web")).servers).toEqual([]);
  });
});

test("an outage of Sluice is told once, however it shows, and the server is there again after it", async () => {
  const sluice = await stage();
  const server = await origin();
  const relay = await relayTo(sluice);
  const run = register(relay, { url: server.url });
  await sluice.until("web", isUp("gpu-7"));
  await relay.cut();
  await run.saw("trouble");
  const gateway = await unavailable();
  await relay.mend(gateway.origin.url);
  await gateway.asked;
  await relay.cut();
  await sluice.until("web", ({ servers }) => servers.length === 0);
  await relay.mend(sluice.url);
  await run.saw("reached");
  await sluice.until("web", isUp("gpu-7"));
  run.kill("SIGTERM");
  expect(await run.code).toBe(0);
  expect(run.events.filter(({ event }) => event === "trouble").length).toBe(1);
  expect(run.events.filter(({ event }) => event === "registered").length).toBe(2);
});

test("a second start under the same name takes over; the first one says so, leaves it alone, and is there again after it", async () => {
  const sluice = await stage();
  const [old, fresh] = [await origin(), await origin()];
  const first = register(sluice, { url: old.url });
  await sluice.until("web", isUp("gpu-7"));
  const second = register(sluice, { url: fresh.url });
  await second.saw("registered");
  expect((await first.saw("trouble")).error).toContain(`is the server at ${fresh.url}`);
  expect((await sluice.snapshot("web")).servers.map(({ url }) => url)).toEqual([fresh.url]);
  second.kill("SIGTERM");
  expect(await second.code).toBe(0);
  await sluice.until("web", ({ servers }) => servers[0]?.url === old.url);
  const third = register(sluice, { url: fresh.url });
  await third.saw("registered");
  first.kill("SIGTERM");
  expect(await first.code).toBe(0);
  expect((await sluice.snapshot("web")).servers.map(({ url }) => url)).toEqual([fresh.url]);
});

describe("`sluice register` says what is wrong", () => {
  test("and ends its command where the pool does not let the server come", async () => {
    const sluice = await stage({ register: { urls: ["http://10.0.*.*:8000"] } });
    const run = register(sluice, { url: "http://127.0.0.1:9", command: ["sleep", "60"] });
    expect(await run.code).toBe(77);
    expect((await run.saw("failed")).error).toContain('http://127.0.0.1:9 is not among the "register.urls"');
  });

  test.each([
    [["--pool", "web"], "Say where the server is"],
    [["--url", "http://a"], "required option '--pool <pool>' not specified"],
    [["--pool", "web", "--url", "http://a", "--name", "a b"], "--name"],
    [["--pool", "web", "--url", "http://a", "--every", "30s"], "--every has to be shorter than --expires"],
    [["--pool", "web", "--url", "http://a", "--", "no-such-command"], "no-such-command"],
  ])("of %j", async (args, says) => {
    const options: RunOptions = { url: "http://127.0.0.1:1" };
    const run = new Run(["register", ...args], options);
    expect([64, 127]).toContain(await run.code);
    expect(run.stderr).toContain(says);
  });
});
