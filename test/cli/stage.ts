import http from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { SingleFlightServer } from "../../demo/single-flight.ts";
import { Relay } from "../support/relay.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

/** The pool `web` in front of single-flight servers; it ends with the test. */
export async function stage(
  servers = 1,
  serviceMs = 20,
  keys: Record<string, unknown> = {},
): Promise<SingleFlightPool> {
  const pool = await SingleFlightPool.start(servers, serviceMs, keys);
  onTestFinished(() => pool.stop());
  return pool;
}

/** The network between the command line and Sluice. */
export async function relayTo({ url }: { url: string }): Promise<Relay> {
  const relay = await Relay.start(url);
  onTestFinished(() => relay.cut());
  return relay;
}

/** Downtime of a server that restarts. */
const RESTART_MS = 200;

/** A relay to Sluice that loses the answers to requests whose path ends with `path`. */
export function answeringAllBut(path: string, url: string): Promise<string> {
  return between(url, ({ url: asked }) => (asked?.endsWith(path) ? "silence" : "answer"));
}

/** A relay to Sluice that breaks the connection instead of returning the first answer. */
export function losingFirstAnswerTo(method: string, url: string): Promise<string> {
  let lost = false;
  return between(url, (request) => {
    const first = !lost && request.method === method;
    lost ||= first;
    return first ? "broken" : "answer";
  });
}

/** A relay to Sluice that holds back the answers to this method until `release`. */
export async function holding(
  method: string,
  url: string,
): Promise<{ url: string; held: Promise<void>; release: () => void }> {
  const held = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const passAll = () => "answer" as const;
  const at = await between(url, passAll, async (request) => {
    if (request.method !== method) return;
    held.resolve();
    await gate.promise;
  });
  return { url: at, held: held.promise, release: gate.resolve };
}

async function between(
  url: string,
  fate: (request: http.IncomingMessage) => "answer" | "silence" | "broken",
  before = async (_: http.IncomingMessage) => {},
): Promise<string> {
  const server = http.createServer(async (request, response) => {
    const { method = "GET", headers } = request;
    const body = method === "GET" ? null : Buffer.concat(await request.toArray());
    const { authorization = "" } = headers;
    await before(request);
    const answer = await fetch(url + request.url, { method, body, headers: { authorization } });
    const end = fate(request);
    if (end === "broken") response.destroy();
    if (end !== "answer") return;
    response.writeHead(answer.status, { "Content-Type": "application/json" }).end(await answer.text());
  });
  return listening(server);
}

/**
 * Lets the command that is deployed act on the servers of the test: `/stop` kills them all, `/start` brings them
 * back, `/restart` does both; with a name, `/stop/web-3`, only that one.
 */
export async function controlOf(servers: SingleFlightServer[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const control = http.createServer(async (request, response) => {
    const [, act, name] = (request.url ?? "").split("/");
    asked.push(request.url ?? "");
    const meant = servers.filter((server) => name === undefined || server.name === name);
    if (act === "stop" || act === "restart") await Promise.all(meant.map((server) => server.stop()));
    if (act === "restart") await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    if (act === "start" || act === "restart") await Promise.all(meant.map((server) => server.start()));
    response.writeHead(act === "fail" ? 500 : 200).end();
  });
  return { url: await listening(control), asked };
}

/** Starts it until the test ends. Resolves with its address. */
async function listening(server: http.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A shell function for requests to the control: `ask /stop`. */
export const ASK = `ask() { '${process.execPath}' -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1))' "$CONTROL$1"; };`;
