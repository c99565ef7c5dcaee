/** Runs what docs/deferred.md shows, as it stands there. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { SingleFlightServer } from "../../demo/single-flight.ts";
import { Deferrer } from "../deferred/support.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { ROOT, read } from "./documents.ts";
import { fencesOf } from "./markdown.ts";

/** As `npm start` has it. */
const POOL = "demo";
const SECRET = `whsec_${Buffer.alloc(32, "a secret").toString("base64")}`;

let folder: string;
let server: SingleFlightServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-docs-"));
  // What the examples import.
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  server = new SingleFlightServer({ name: "demo-1", serviceMs: 20 });
  await server.start();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});
afterEach(() => void vi.unstubAllGlobals());

async function start(deferred: object = {}): Promise<Sluice> {
  const servers = [{ name: server.name, url: server.url }];
  const sluice = await Sluice.start({
    pools: {
      [POOL]: { servers, deferred },
      short: { path_prefix: "/short/", servers, deferred: { expires: "1s" } },
    },
    webhookSecret: SECRET,
  });
  onTestFinished(() => sluice.stop());
  server.served.length = 0;
  return sluice;
}

/** The first block of a language below a heading. */
function shown(heading: string, language: string): string {
  const [, section = ""] = read("docs/deferred.md").split(`\n${heading}\n`);
  return fencesOf(section).find((fence) => fence.language === language)?.text ?? "";
}

async function fileWith(code: string): Promise<string> {
  const file = join(folder, `${crypto.randomUUID()}.mjs`);
  await writeFile(file, code);
  return file;
}

test("the commands do what is said beside them", async () => {
  const sluice = await start();
  const lines = shown("## With curl", "sh")
    .replaceAll("http://localhost:8787", sluice.url)
    .replace("TOKEN=…", `TOKEN=${TOKEN}`)
    .trim()
    .split("\n");
  const shell = spawn("bash", { stdio: ["pipe", "pipe", "ignore"] });
  onTestFinished(() => void shell.kill("SIGKILL"));
  let output = "";
  shell.stdout.setEncoding("utf8").on("data", (piece) => {
    output += piece;
  });
  const ended = new Promise((resolve) => shell.once("close", resolve));
  const type = (some: string[]) => shell.stdin.write(`${some.join("\n")}\n`);
  const events = () => [...output.matchAll(/event: status\nid: (\w+)\n/g)].map(([, state]) => state);

  const watching = lines.findIndex((line) => / & +#/.test(line));
  type(lines.slice(0, watching + 1));
  await expect.poll(events).toEqual(["queued"]);
  // The status, the answer that is not there yet, and the event.
  expect(output.match(/"state":"queued","place":2/g)).toHaveLength(3);
  expect(output).toContain("HTTP/1.1 202 Accepted\r\n");
  expect(output).toContain(`\nLocation: ${sluice.url}/_sluice/requests/`);
  expect(output).toContain("\nPreference-Applied: respond-async\r\n");
  // All at once: the stream has seen the end before the last command has the request forgotten.
  type(lines.slice(watching + 1));
  shell.stdin.end();
  await ended;
  expect(events().at(-1)).toBe("answered");
  expect(output).toContain("done\n");
  expect(output.match(/"state":"answered"/g)).toHaveLength(2);
  expect(server.served).toEqual(["/report", "/report"]);
  await sluice.until(POOL, ({ deferred }) => deferred?.running === 0 && deferred.answered === 1);
});

describe("the function in JavaScript", () => {
  type Work = (url: string, body: string) => Promise<Response>;
  /** `wait`: how long it asks for a direct answer, in seconds. */
  async function load(wait: number): Promise<Work> {
    const code = shown("## With JavaScript", "js");
    expect(code).toContain("respond-async, wait=5");
    return (await import(pathToFileURL(await fileWith(code.replace("wait=5", `wait=${wait}`))).href)).work;
  }

  test("returns an answer that comes soon", async () => {
    const sluice = await start();
    const work = await load(5);
    const answer = await work(`${sluice.url}/report`, "month=11");
    expect([answer.status, await answer.text()]).toEqual([200, "done\n"]);
    expect(server.served).toEqual(["/report"]);
  });

  test("waits for a resume, and for its turn", async () => {
    const sluice = await start();
    const work = await load(0);
    await sluice.drain(POOL);
    const answer = work(`${sluice.url}/report`, "month=11");
    await sluice.until(POOL, ({ deferred }) => deferred?.queued === 1);
    await sluice.resume(POOL);
    expect([(await answer).status, await (await answer).text()]).toEqual([200, "done\n"]);
  });

  test("throws what became of a request that has no answer", async () => {
    const sluice = await start();
    const work = await load(0);
    await sluice.drain("short");
    await expect(work(`${sluice.url}/short/report`, "month=11")).rejects.toThrow("queue-timeout: ");
  });

  test("sends its request again if the answer is lost, and it is worked once", async () => {
    const sluice = await start();
    const work = await load(0);
    const { fetch } = globalThis;
    let lost = 0;
    vi.stubGlobal("fetch", async (...given: Parameters<typeof fetch>) => {
      const response = await fetch(...given);
      if (lost++ === 0) throw new Error("the connection is lost");
      return response;
    });
    expect((await work(`${sluice.url}/report`, "month=11")).status).toBe(200);
    expect(server.served).toEqual(["/report"]);
  });
});

test("the receiver of webhooks takes a signed one once, and no other", async () => {
  const code = shown("## Webhooks", "js");
  const told = 'server.on("listening", () => console.log(server.address().port));';
  const receiver = spawn(
    process.execPath,
    [await fileWith(code.replace("server.listen", `${told}\nserver.listen`))],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, PORT: "0", WEBHOOK_SECRET: SECRET },
    },
  );
  onTestFinished(() => void receiver.kill());
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  const hook = `http://127.0.0.1:${(await lines.next()).value}`;
  const sluice = await start({ webhooks: [hook] });
  const client = new Deferrer(() => sluice);
  const id = await client.defer("/report", { headers: { "Sluice-Webhook": `${hook}/done` } });
  expect((await lines.next()).value).toBe(
    `request.answered 200 ${sluice.url}/_sluice/requests/${id}/response`,
  );
  const forged = { "webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" };
  expect((await fetch(hook, { method: "POST", headers: forged, body: "{}" })).status).toBe(401);
});
