import { expect, test, vi } from "vitest";
import type { AdminClient } from "../../src/cli/client/admin-client.ts";
import { deploy } from "../../src/cli/deploy/deploy.ts";
import { DeployProgress } from "../../src/cli/deploy/deploy-progress.ts";
import type { Signals, Stop } from "../../src/cli/process/signals.ts";
import { roll } from "../../src/cli/roll/roll.ts";
import { RollProgress } from "../../src/cli/roll/roll-progress.ts";
import type { Output } from "../../src/cli/terminal/output.ts";
import { Reporter } from "../../src/cli/terminal/reporter.ts";

/** No signal ever comes. */
function noSignals(): Signals {
  const never = new AbortController().signal;
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const cleanUp = (act: (leave: Stop) => Promise<number>) => act({ now: never, soon: never });
  const none = { first: null, exitCode: 128, stop: never, stopSoon: never };
  return { ...none, sleep, on: () => () => {}, cleanUp } as unknown as Signals;
}

/** The pool `web` with one idle server. */
function idlePool() {
  let [owner, state, stateOwner]: [string | null, string, string | undefined] = [null, "ready", undefined];
  const asked: string[] = [];
  const snapshot = () => ({
    name: "web",
    state: owner === null ? "running" : "drained",
    drain: owner === null ? null : { owner, expiresAt: new Date().toISOString() },
    servers: [{ name: "web-1", url: "http://web-1.test", state, stateOwner, inFlight: 0 }],
    inFlight: 0,
    queued: 0,
  });
  const client = {
    me: async () => ({ name: "admin", via: "admin-token", pools: { web: ["look", "drain", "servers"] } }),
    pool: async () => snapshot(),
    drain: async (_: string, drain: { owner: string }) => {
      asked.push("drain");
      owner = drain.owner;
      return snapshot();
    },
    resume: async () => {
      asked.push("resume");
      owner = null;
      return snapshot();
    },
    changeServer: async (_: string, name: string, patch: { state: string; owner?: string }) => {
      asked.push(`${name} ${patch.state}`);
      [state, stateOwner] = [patch.state, patch.owner];
      return snapshot();
    },
  };
  return { client: client as unknown as AdminClient, asked };
}

function reporter() {
  const lines: string[] = [];
  const output = { write: (text: string) => lines.push(text) } as unknown as Output;
  return { lines, reporter: new Reporter(output, false) };
}

function throwBug(): never {
  throw new TypeError("a bug");
}

const COMMAND = {
  pool: "web",
  command: ["true"],
  drainTimeoutMs: 1_000,
  cutMs: undefined,
  onFailure: "resume",
} as const;

test.each(["drained", "commandEnded", "draining"] as const)(
  "a deploy in which something happens that nobody has thought of, when it tells of %s, leaves no pool drained",
  async (what) => {
    const { client, asked } = idlePool();
    const told = reporter();
    const progress = new DeployProgress("web", told.reporter);
    if (what === "draining") vi.spyOn(client, "drain").mockImplementation(throwBug);
    else vi.spyOn(progress, what).mockImplementation(throwBug);
    const options = { ...COMMAND, expiresMs: 60_000, reason: undefined };
    expect(await deploy(client, options, noSignals(), progress)).toBe(70);
    expect(asked).toEqual(what === "draining" ? ["resume"] : ["drain", "resume"]);
    expect(told.lines.join("")).toContain("this should not happen: TypeError: a bug");
  },
);

test("a roll in which something happens that nobody has thought of leaves no server out", async () => {
  const { client, asked } = idlePool();
  const told = reporter();
  const progress = new RollProgress("web", told.reporter);
  vi.spyOn(progress, "commandEnded").mockImplementation(throwBug);
  expect(await roll(client, { ...COMMAND, upTimeoutMs: 1_000 }, noSignals(), progress)).toBe(70);
  expect(asked).toEqual(["web-1 drain", "web-1 ready"]);
  expect(told.lines.join("")).toContain("this should not happen: TypeError: a bug");
});
