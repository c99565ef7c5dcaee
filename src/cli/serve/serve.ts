import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { counted } from "../../words/phrases.ts";
import { duration } from "../../words/times.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Signals } from "../process/signals.ts";
import { startWorkerd, type Workerd } from "../process/workerd.ts";
import { CONTROL, capnp, type Network, socketName } from "./capnp.ts";
import front from "./front.js" with { type: "text" };
import { workerBundle, workerdBinary } from "./installed.ts";
import { lockFolder } from "./lock.ts";
import { environmentName, OWN_PREFIX } from "./names.ts";
import type { Settings } from "./settings.ts";
import { makeState, writeState } from "./state.ts";

export interface ServeOptions {
  settings: Settings;
  secrets: Record<string, string>;
  network: Network;
  /** Where the state is. */
  data: string;
  /** Where the user's packages are. */
  project: string;
  graceMs: number;
}

const KEY = `${OWN_PREFIX}KEY`;
/** For how long the runtime, told to end, may send the last bytes, in ms. */
const LAST_BYTES_MS = 2_000;
const LAST_WORDS_MS = 100;

/**
 * Serves until a signal. `onReady` is told once it listens, with the port of each address. Rejects if the runtime ends
 * by itself.
 */
export async function serve(
  options: ServeOptions,
  signals: Signals,
  onReady: (ports: number[]) => void,
): Promise<void> {
  const { settings, data } = options;
  const binary = workerdBinary(options.project);
  const worker = workerBundle();
  makeState(data);
  const lock = lockFolder(data);
  if (lock === null) {
    throw new CliError(EXIT.held, `Another \`sluice serve\` has its state in ${data}: one at a time.`);
  }
  const key = randomBytes(32).toString("base64url");
  const { addresses, handedOn } = options.network;
  const names = [...Object.keys(options.secrets), KEY];
  const config = writeState(data, { front, worker }, (layout) =>
    capnp(settings, layout, options.network, names),
  );
  const runtime = start(binary, config, {
    sockets: addresses.length + 1,
    handedOn: new Map(handedOn.map((descriptor, n) => [socketName(n), descriptor])),
    env: { ...process.env, ...inEnvironment({ ...options.secrets, [KEY]: key }) },
    holds: lock,
    detached: true,
  });
  const ended = new Promise<string>((done) => {
    runtime.process.once("error", ({ message }) => done(message));
    runtime.process.once("close", (code, signal) => done(`${code ?? signal}`));
  });
  const guard = endWithUs(runtime.process);
  let isForced = false;
  signals.on((_, count) => {
    if (count === 1) return;
    isForced = true;
    runtime.process.kill("SIGKILL");
  });
  try {
    const ports = await runtime.listening.catch(({ message }) => {
      throw new CliError(EXIT.unexpected, `${message.replace(/:$/, "")} before it listened`);
    });
    const control = { port: ports.get(CONTROL) ?? 0, key };
    await tell(control, "start", { pools: settings.pools });
    onReady(addresses.map((_, n) => ports.get(socketName(n)) ?? 0));
    const crash = await Promise.race([ended, aborted(signals.stop)]);
    if (crash !== null)
      throw new CliError(EXIT.unexpected, `The runtime has crashed: workerd ended with ${crash}`);
    process.stderr.write(
      `sluice: stops, within ${duration(options.graceMs)}; a second signal ends it at once\n`,
    );
    const left = await stop(control, options, runtime.process, ended);
    if (!left) {
      const exitCode = isForced ? signals.exitCode : EXIT.unexpected;
      throw new CliError(exitCode, "The runtime has ended before all requests had");
    }
    const { refused, cutOff } = left;
    if (refused > 0)
      process.stderr.write(`sluice: refused ${counted(refused, "request")}, not answered in time\n`);
    if (cutOff > 0) process.stderr.write(`sluice: cut off ${counted(cutOff, "answer")}, not over in time\n`);
  } finally {
    runtime.process.kill("SIGTERM");
    await Promise.race([ended, sleep(LAST_BYTES_MS, undefined, { ref: false })]);
    runtime.process.kill("SIGKILL");
    await ended;
    guard.kill("SIGKILL");
  }
}

function start(...given: Parameters<typeof startWorkerd>): Workerd {
  try {
    return startWorkerd(...given);
  } catch (error) {
    throw new CliError(EXIT.unexpected, `The runtime cannot be started: ${(error as Error).message}`);
  }
}

function inEnvironment(secrets: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(secrets).map(([name, value]) => [environmentName(name), value]));
}

/** Kills the runtime when this process is gone, however it ends: nobody else would. */
function endWithUs({ pid }: ChildProcess): ChildProcess {
  const script = 'trap "" INT TERM HUP; cat >/dev/null; kill -9 "$0"';
  // In its own process group, which a terminal's Ctrl-C does not reach.
  const guard = spawn("sh", ["-c", script, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.stdin?.on("error", () => {});
  return guard;
}

interface Control {
  port: number;
  key: string;
}

/** Requests that were not over in time: without an answer, and with a part of it. */
interface Left {
  refused: number;
  cutOff: number;
}

/** Lets requests end, or be refused. `null`: the runtime itself has ended meanwhile, or does not do as it is told. */
async function stop(
  control: Control,
  { settings: { pools }, network: { handedOn }, graceMs }: ServeOptions,
  runtime: ChildProcess,
  ended: Promise<string>,
): Promise<Left | null> {
  const refuseNew = handedOn.length === 0;
  // Who comes from now on waits in the socket for the next start: told to end, the runtime accepts nobody any more.
  const onBegun = () => void (refuseNew || runtime.kill("SIGTERM"));
  const told = tell(control, "stop", { pools, graceMs, refuseNew }, onBegun).then(
    (text) => JSON.parse(text) as Left,
  );
  const late = sleep(graceMs + LAST_BYTES_MS, null, { ref: false });
  // What it had said may be read only after its end is known.
  const lost = ended.then(() => sleep(LAST_WORDS_MS, null));
  return Promise.race([told.catch(() => late), late, lost]);
}

/** Not by `fetch`, which gives up waiting after five minutes. `onHeaders`: before the answer is whole. */
function tell(
  { port, key }: Control,
  what: "start" | "stop",
  body: unknown,
  onHeaders = () => {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: "127.0.0.1",
      path: `/${what}`,
      method: "POST",
      headers: { Authorization: key },
    };
    const request = http.request(options, (response) => {
      onHeaders();
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const { statusCode = 0 } = response;
        if (statusCode < 300) resolve(text);
        else
          reject(new CliError(EXIT.unexpected, `the runtime answered ${statusCode} to "${what}": ${text}`));
      });
    });
    request.on("error", reject);
    request.end(JSON.stringify(body));
  });
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((done) => {
    if (signal.aborted) done(null);
    else signal.addEventListener("abort", () => done(null), { once: true });
  });
}
