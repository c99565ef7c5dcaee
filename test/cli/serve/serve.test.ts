import { spawnSync } from "node:child_process";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { commandPath } from "../../support/bundle.ts";
import { send } from "../../support/client.ts";
import { Run } from "../command.ts";
import { Folder } from "../script.ts";
import { PLATFORM_JSON } from "../wrangler-file/support.ts";
import { Fleet, Project } from "./support.ts";

const SERVERS = [{ name: "web-1", url: "http://127.0.0.1:9" }];

describe("sluice serve", () => {
  test("serves the pools of the file, and says in one line what it serves, where, and where its state is", async () => {
    const fleet = await Fleet.start(2, 0);
    const served = await (await Project.make({ web: { servers: fleet.list } })).serve();
    expect(served.run.stderr).toBe(
      `sluice: serves 1 pool, 2 servers of wrangler.jsonc on ${served.url}, state in .sluice\n`,
    );
    expect(await send(served.url, { path: "/it's?{here}" })).toMatchObject({ status: 200 });
    expect(fleet.served).toEqual(["/it's?{here}"]);
  });

  test("takes the token from .dev.vars", async () => {
    const served = await (await Project.make({ web: { servers: SERVERS } })).serve();
    expect(await served.snapshot()).toMatchObject({ name: "web", state: "running" });
  });

  test("says at its start that nobody can drain without a token", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    await rm(join(project.path, ".dev.vars"));
    const served = await project.serve();
    await served.run.printed("sluice: No ADMIN_TOKEN is set, so the admin side is off");
    expect((await served.admin("")).status).toBe(503);
  });

  test("prints the log line of each request on stdout", async () => {
    const fleet = await Fleet.start(1, 0);
    const served = await (await Project.make({ web: { servers: fleet.list } })).serve();
    await send(served.url, { path: "/a", headers: { "X-Request-Id": "mine-1" } });
    await served.run.printed("mine-1");
    expect(served.log).toMatchObject([{ requestId: "mine-1", pool: "web", path: "/a", outcome: "ok" }]);
    expect(await served.stop()).toBe(0);
  });

  test("serves an environment's pools with its own secrets", async () => {
    const [ours, others] = [await Fleet.start(1, 0), await Fleet.start(1, 0)];
    const { durable_objects } = PLATFORM_JSON;
    const env = { blue: { durable_objects, vars: { POOLS: { web: { servers: ours.list } } } } };
    const project = await Project.make({ web: { servers: others.list } }, { env });
    await writeFile(join(project.path, ".dev.vars.blue"), "ADMIN_TOKEN=too-short # for anybody\n");
    const served = await project.serve("--env", "blue");
    expect((await send(served.url, { path: "/a" })).status).toBe(200);
    expect([ours.served, others.served]).toEqual([["/a"], []]);
    expect((await served.admin("")).status).not.toBe(200);
    expect(served.run.stderr).toContain(
      "sluice: ADMIN_TOKEN has fewer than 16 characters, so the admin side is off",
    );
  });

  test("listens on every address that it is told", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    const run = project.run("--listen", "127.0.0.1:0", "--listen", "localhost:0", "--data", "state");
    await run.printed("sluice: serves");
    const [first, second] = run.stderr.match(/http:\/\/\S+:[1-9]\d*/g) ?? [];
    expect(run.stderr).toContain(`${first} and ${second}, state in state\n`);
    for (const url of [first, second]) expect((await fetch(`${url}/_sluice/api/pools`)).status).toBe(401);
  });
});

describe("sluice serve does not start", () => {
  test("where `sluice check` finds an error, and shows it", async () => {
    const run = (await Project.make({ web: { servers: SERVERS, slots: 0 } })).run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toMatch(/^wrangler\.jsonc:1: error: vars\.POOLS\.web\.slots: 0 is out of range/);
    expect(run.stderr).toContain("sluice: 1 error in wrangler.jsonc: nothing is served\n");
  });

  test.each([
    ["services", [{ binding: "WEB", service: "web" }], "services in the file's top level: only Cloudflare"],
    ["vpc_services", [{ binding: "WEB", service_id: "1" }], "vpc_services in the file's top level"],
  ])("with %s, which only Cloudflare has", async (key, value, message) => {
    const run = (await Project.make({ web: { servers: SERVERS } }, { [key]: value })).run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toContain(message);
  });

  test("without a secret that headers take; with it, servers get it", async () => {
    const fleet = await Fleet.start(1, 0);
    const headers = { "X-Gate-Key": { secret: "GATE_KEY" } };
    const project = await Project.make({ web: { servers: fleet.list, headers } });
    const run = project.run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toContain(
      "There is no secret GATE_KEY, which POOLS.web.headers.x-gate-key takes: put",
    );
    await writeFile(
      join(project.path, ".dev.vars"),
      'ADMIN_TOKEN="none-of-your-business"\nGATE_KEY=sesame\n',
    );
    const served = await project.serve();
    expect((await send(served.url, { path: "/a" })).status).toBe(200);
    expect(served.run.stderr).not.toContain("sesame");
  });

  test("without a secret that a pool's headers take, also if no server of it has that header", async () => {
    const headers = { "X-Gate-Key": { secret: "GATE_KEY" } };
    const servers = SERVERS.map((server) => ({ ...server, headers: { "X-Gate-Key": "own" } }));
    const run = (await Project.make({ web: { servers, headers } })).run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toContain(
      "There is no secret GATE_KEY, which POOLS.web.headers.x-gate-key takes: put",
    );
  });

  test("without secrets that servers and `wake` take, and names the keys that do", async () => {
    const secret = (name: string) => ({ authorization: { secret: name } });
    const [server] = SERVERS;
    const servers = [
      server,
      { ...server, name: "b", url: "http://127.0.0.1:8", headers: secret("GATE_KEY") },
    ];
    const wake = { url: "https://scale.example.com", headers: secret("WAKE_TOKEN") };
    const pools = { web: { servers }, gpu: { path_prefix: "/gpu/", register: { urls: ["*"] }, wake } };
    const run = (await Project.make(pools)).run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toBe(
      [
        "sluice: There is no secret GATE_KEY, which POOLS.web.servers[1].headers.authorization takes: put it into .dev.vars, or into the environment.",
        "There is no secret WAKE_TOKEN, which POOLS.gpu.wake.headers.authorization takes: put it into .dev.vars, or into the environment.",
        "",
      ].join("\n"),
    );
  });

  test.each([
    ["with a line break", '"open\nsesame"', {}],
    ["with a line break of the environment's", '"sesame"', { GATE_KEY: "open\r\nsesame" }],
    ["of blanks", '"  "', {}],
    ["that is empty", "", {}],
  ])("where headers take a secret %s, which no header can have, and names it", async (_, value, env) => {
    const headers = { "X-Gate-Key": { secret: "GATE_KEY" }, "X-Team": { secret: "TEAM" } };
    const project = await Project.make({ web: { servers: SERVERS, headers } });
    await writeFile(join(project.path, ".dev.vars"), `GATE_KEY=${value}\nTEAM="reports\n"\n`);
    const run = new Run(["serve"], { url: "", cwd: project.path, env });
    expect(await run.code).toBe(1);
    expect(run.stderr).toBe(
      "sluice: The secret GATE_KEY, which POOLS.web.headers.x-gate-key takes, is empty or has several lines, so no header can have it: a header's value is one line.\n",
    );
  });

  test.each([
    ["has a character that no environment can have", "open\0sesame", "has a NUL character in it"],
    ["is longer than the environment of a process may be", "sesame".repeat(30_000), "is longer than 100 KiB"],
  ])("where a secret %s: it is named, and its value is not told", async (_, value, says) => {
    const project = await Project.make({ web: { servers: SERVERS } });
    await writeFile(join(project.path, ".dev.vars"), `ADMIN_TOKEN=0123456789abcdef\nGATE_KEY=${value}\n`);
    const run = project.run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toBe(`sluice: The secret GATE_KEY ${says}, so the runtime cannot have it.\n`);
  });

  test("with a .dev.vars that cannot be read, or that would replace what Sluice itself needs", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    const file = join(project.path, ".dev.vars");
    await writeFile(file, "POOL=x\nPOOLS_2=x\nSLUICE_SERVE_KEY=x\n");
    const replacing = project.run();
    expect(await replacing.code).toBe(1);
    expect(replacing.stderr).toContain(".dev.vars may not set POOL, POOLS_2 and SLUICE_SERVE_KEY");
    await rm(file);
    await mkdir(file);
    const unreadable = project.run();
    expect(await unreadable.code).toBe(64);
    expect(unreadable.stderr).toContain("The secrets cannot be read: EISDIR");
  });

  test.each(["POOL", "DEFERRED", "SLUICE_SERVE_BEHIND_PROXY"])(
    "with a variable %s in the file, which would replace what Sluice itself needs",
    async (name) => {
      const vars = { POOLS: { web: { servers: SERVERS } }, [name]: "x" };
      const run = (await Project.make({}, { vars })).run("--listen", "127.0.0.1:0");
      expect(await run.code).toBe(1);
      expect(run.stderr).toBe(
        `sluice: The variable ${name} in the file's top level takes the place of what Sluice itself needs.\n`,
      );
    },
  );

  test.each(["999999999999", "-1", "two"])("with a LISTEN_FDS of %s, and names it", async (given) => {
    const { path } = await Project.make({ web: { servers: SERVERS } });
    const script = `LISTEN_PID=$$ LISTEN_FDS=${given} exec "$0" "$@"`;
    const args = ["-c", script, process.execPath, commandPath(), "serve"];
    const { status, stderr } = spawnSync("sh", args, { cwd: path, encoding: "utf8", timeout: 10_000 });
    expect([status, stderr]).toEqual([
      64,
      `sluice: LISTEN_FDS is "${given}", which is no number of sockets from 0 to 1024.\n`,
    ]);
  });

  test("for an environment that is not in the file", async () => {
    const run = (await Project.make({ web: { servers: SERVERS } })).run("--env", "blue");
    expect(await run.code).toBe(64);
    expect(run.stderr).toBe('sluice: There is no environment "blue"; the file has none.\n');
  });

  test.each([
    [["--listen", "8787"], "Allowed is host:port"],
    [["--listen", "127.0.0.1:65536"], "Allowed is host:port"],
    [["--tls-cert", "chain.pem"], "--tls-cert and --tls-key belong together"],
    [["--grace", "long"], "Allowed is"],
  ])("with %j", async (args, message) => {
    const run = (await Project.make({ web: { servers: SERVERS } })).run(...args);
    expect(await run.code).toBe(64);
    expect(run.stderr).toContain(message);
  });

  test.each(["/proc/x", "/proc/x/state", "wrangler.jsonc", "wrangler.jsonc/state"])(
    "with its state in %s, where no folder can be made, and names it",
    async (folder) => {
      const run = (await Project.make({ web: { servers: SERVERS } })).run("--data", folder);
      expect(await run.code).toBe(64);
      expect(run.stderr).toMatch(/^sluice: The state cannot be in (\S+): [^\n]+\n$/);
      expect(run.stderr).toContain(`The state cannot be in ${folder}: `);
    },
  );

  test.each([
    ["config.capnp", true],
    ["front.js", true],
    ["objects", false],
  ])("where %s cannot be written into its state, and names it", async (name, isFolder) => {
    const project = await Project.make({ web: { servers: SERVERS } });
    const path = join(project.path, ".sluice", name);
    await mkdir(isFolder ? path : dirname(path), { recursive: true });
    if (!isFolder) await writeFile(path, "");
    const run = project.run();
    expect(await run.code).toBe(64);
    expect(run.stderr).toMatch(/^sluice: The state cannot be in \.sluice: [^\n]+\n$/);
    expect(run.stderr).toContain(`.sluice/${name}'`);
  });

  test("without workerd, and says how to install it", async () => {
    const { path } = await Folder.make();
    const file = { ...PLATFORM_JSON, vars: { POOLS: { web: { servers: SERVERS } } } };
    await writeFile(join(path, "wrangler.json"), JSON.stringify(file));
    const run = new Run(["serve"], { url: "", cwd: path, env: { NODE_PATH: undefined } });
    expect(await run.code).toBe(127);
    expect(run.stderr).toBe("sluice: The runtime, workerd, is not installed: npm install workerd\n");
  });

  test("on an address that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    const run = (await Project.make({ web: { servers: SERVERS } })).run("--listen", `127.0.0.1:${port}`);
    expect(await run.code).toBe(70);
    expect(run.stderr).toContain("Address already in use");
    expect(run.stderr).toMatch(/sluice: workerd ended with \S+ before it listened\n$/);
  });
});

describe("the state in a folder", () => {
  test("is one process's at a time: a second `sluice serve` there is refused", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    const first = await project.serve();
    const second = project.run("--listen", "127.0.0.1:0");
    expect(await second.code).toBe(76);
    expect(second.stderr).toBe("sluice: Another `sluice serve` has its state in .sluice: one at a time.\n");
    expect(await first.snapshot()).toMatchObject({ state: "running" });
  });

  test("is free again once that has ended, whatever it has left there", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    await mkdir(join(project.path, ".sluice"));
    await writeFile(join(project.path, ".sluice/lock"), "1\n");
    const first = await project.serve();
    first.run.kill("SIGKILL");
    // Its output is closed once its runtime, which shares it, is gone too.
    expect(await first.run.code).toBe("SIGKILL");
    expect(await (await project.serve()).snapshot()).toMatchObject({ state: "running" });
  });

  test("is readable by its user alone in a folder that others may read, which stays as it was", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    const folder = join(project.path, "shared");
    await mkdir(folder);
    await chmod(folder, 0o755);
    await project.serve("--data", "shared");
    const modes = ["", "config.capnp", "lock", "objects"].map(async (name) => {
      return ((await stat(join(folder, name))).mode & 0o777).toString(8);
    });
    expect(await Promise.all(modes)).toEqual(["755", "600", "600", "700"]);
  });

  test("is readable by its user alone, and has no secrets in it", async () => {
    const project = await Project.make({ web: { servers: SERVERS } });
    await project.serve();
    const folder = join(project.path, ".sluice");
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder, "config.capnp"), "utf8")).not.toContain("test-token");
  });
});
