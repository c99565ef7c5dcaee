import { describe, expect, test } from "vitest";
import type { Running } from "../../../src/cli/wrangler-file/against.ts";
import type { DeferredSnapshot } from "../../../src/scheduler/snapshot.ts";
import { CHECK, findingsOf, here, toml } from "./support.ts";

interface Given {
  name: string;
  url: string;
  state?: "ready" | "drain" | "maint";
  inFlight?: number;
}

/** A pool in the answer of the running Sluice. */
function pool(name: string, servers: Given[], state: Running["pools"][number]["state"] = "running") {
  const told = servers.map((server) => ({ state: "ready" as const, inFlight: 0, ...server }));
  return { name, state, queued: 0, servers: told };
}

const running = (...pools: ReturnType<typeof pool>[]): Running => ({ pools, unreachable: [] });

/** A file with these pools; a server is given as `name url`. */
function file(pools: Record<string, string[]>): string {
  const tables = Object.entries(pools).map(([name, servers]) => {
    const list = servers.map((server) => {
      const [at, url = "", ...mark] = server.split(" ");
      return `{ name = "${at}", url = "${url}" }, ${mark.join(" ")}`;
    });
    return `[vars.POOLS.${name}]\nhosts = ["${name}.test"]\nservers = [\n${list.join("\n")}\n]`;
  });
  return toml(tables.join("\n"));
}

const found = (text: string, against: Running) => findingsOf(text, "toml", { against });
const WEB_1 = { name: "web-1", url: "https://web-1.example.com" };

describe("compared with what is running, a file", () => {
  test("that changes nothing, adds and takes out gives no finding", () => {
    const text = file({
      web: ["web-1 https://web-1.example.com", "web-3 https://web-3.example.com"],
      api: ["api https://api.example.com"],
    });
    const gone = { name: "web-2", url: "https://web-2.example.com", inFlight: 1 };
    expect(
      found(
        text,
        running(pool("web", [WEB_1, gone]), pool("old", [{ name: "x", url: "https://x.example.com" }])),
      ),
    ).toEqual([]);
  });

  test("in which a pool has another name is wrong: old and new count for themselves", () => {
    const text = file({ www: ["web-1 https://web-1.example.com # here", "web-2 https://web-2.example.com"] });
    const web = pool("web", [WEB_1, { name: "web-2", url: "https://web-2.example.com" }]);
    expect(found(text, running(web))).toMatchObject([
      {
        severity: "error",
        key: "vars.POOLS.www.servers[0].url",
        line: here(text),
        message: expect.stringMatching(/and 1 more.* pool "web".* not in this file.*keep the name/),
      },
    ]);
  });

  test("in which a server is in another pool is wrong, and says how to take it out first", () => {
    const text = file({
      web: ["web-2 https://web-2.example.com"],
      api: ["one https://web-1.example.com # here"],
    });
    const web = pool("web", [WEB_1, { name: "web-2", url: "https://web-2.example.com" }]);
    expect(found(text, running(web))).toMatchObject([
      {
        severity: "error",
        key: "vars.POOLS.api.servers[0].url",
        line: here(text),
        message: expect.stringContaining("`sluice server web web-1 --state drain`"),
      },
    ]);
  });

  test.each([
    ["http://web-1.example.com", "https://web-1.example.com"],
    ["https://web-1.example.com", "http://web-1.example.com"],
    ["http://web-1:8080", "https://web-1:8080"],
    ["https://web-1.example.com", "http://web-1.example.com."],
  ])("in which %s has become %s, whatever its name, is wrong, and says to drain", (before, after) => {
    const text = file({ web: [`renamed ${after} # here`] });
    const [finding, ...more] = found(text, running(pool("web", [{ name: "web-1", url: before }]))).filter(
      ({ message }) => !/in the clear|private name/.test(message),
    );
    expect(finding).toMatchObject({
      severity: "error",
      key: "vars.POOLS.web.servers[0].url",
      line: here(text),
      message: expect.stringMatching(/the same host .*`sluice drain web`, deploy, `sluice resume web`/),
    });
    expect(more).toEqual([]);
  });

  test.each([
    ["https://web-1.example.com", "https://web-1.example.com."],
    ["http://web-1.example.com.:8000", "http://web-1.example.com:8000"],
  ])("in which %s has become %s has the same server: nothing is found", (before, after) => {
    const text = file({ web: [`renamed ${after} # here`] });
    const findings = found(text, running(pool("web", [{ name: "web-1", url: before }])));
    expect(findings.filter(({ message }) => !/in the clear|private name/.test(message))).toEqual([]);
  });

  test("in which a server has kept its name and not its address is warned of: who knows", () => {
    const text = file({ web: ["web-1 https://10-0-0-1.example.com # here"] });
    expect(found(text, running(pool("web", [WEB_1])))).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.servers[0].url",
        line: here(text),
        message: expect.stringMatching(/"web-1" was .*if it is the same server.*`sluice drain web`/),
      },
    ]);
  });

  test("in which two servers have changed places in one pool gives no finding: both URLs are known there", () => {
    const text = file({ web: ["web-1 https://web-2.example.com", "web-2 https://web-1.example.com"] });
    const web = pool("web", [WEB_1, { name: "web-2", url: "https://web-2.example.com" }]);
    expect(found(text, running(web))).toEqual([]);
  });

  test("with another port at the same host gives no finding: that is another server", () => {
    const text = file({ web: ["b https://web-1.example.com:8443"] });
    expect(found(text, running(pool("web", [WEB_1])))).toEqual([]);
  });
});

describe("nothing is wrong where nothing can overlap:", () => {
  const moved = file({ web: ["web-2 https://web-2.example.com"], api: ["one https://web-1.example.com"] });
  const renamed = file({ web: ["web-1 https://10-0-0-1.example.com"] });

  test.each(["drained", "stopped"] as const)("the pool is %s, unless what it had was cut off", (state) => {
    for (const text of [moved, renamed]) {
      expect(found(text, running(pool("web", [WEB_1], state)))).toEqual([]);
      expect(found(text, running(pool("web", [{ ...WEB_1, inFlight: 1 }], state)))).toHaveLength(1);
    }
  });

  test.each(["drain", "maint"] as const)("the server is in state %s, and has nothing in flight", (state) => {
    for (const text of [moved, renamed]) {
      expect(found(text, running(pool("web", [{ ...WEB_1, state }])))).toEqual([]);
      expect(found(text, running(pool("web", [{ ...WEB_1, state, inFlight: 1 }])))).toHaveLength(1);
    }
  });

  test("but a pool that is still draining has something in flight", () => {
    expect(found(moved, running(pool("web", [WEB_1], "draining")))).toHaveLength(1);
  });
});

test("requests that wait in a pool that the file does not have any more are warned of", () => {
  const text = file({ www: ["web-1 https://web-1.example.com"] });
  const web = { ...pool("web", [WEB_1], "drained"), queued: 3 };
  expect(found(text, running(web))).toMatchObject([
    {
      severity: "warning",
      key: "vars.POOLS",
      message: expect.stringMatching(/3 requests wait in pool "web".* refused/),
    },
  ]);
});

test("a pool that does not answer is warned of: what it holds is unknown", () => {
  const text = file({ web: ["web-1 https://web-1.example.com"] });
  expect(found(text, { pools: [], unreachable: ["web"] })).toMatchObject([
    { severity: "warning", key: "vars.POOLS.web", message: expect.stringContaining("does not answer") },
  ]);
});

describe("of a file with environments", () => {
  const SERVERS = 'servers = [{ name = "a", url = "https://web-1.example.com" }]';
  const BINDING = '[[env.blue.durable_objects.bindings]]\nname = "POOL"\nclass_name = "Pool"';
  const env = (name: string) => `[env.blue.vars.POOLS.${name}]\n${SERVERS}\n${BINDING}`;
  const strategy = '[env.blue.durable_objects.code_update_strategy]\nmode = "immediate"';
  const web = running(pool("web", [WEB_1]));

  test("the top level is compared, or the one that is named", () => {
    const text = toml(`[vars.POOLS.web]\n${SERVERS}\n${env("www")}\n${strategy}`);
    const errors = (environment?: string) =>
      findingsOf(text, "toml", { against: web, environment }).filter(({ severity }) => severity === "error");
    expect(errors()).toEqual([]);
    expect(errors("blue")).toMatchObject([
      { key: "env.blue.vars.POOLS.www.servers[0].url", environment: "blue" },
    ]);
  });

  test("the only one with pools is compared", () => {
    const text = toml(`${env("www")}\n${strategy}`);
    expect(findingsOf(text, "toml", { against: web })).toContainEqual(
      expect.objectContaining({ severity: "error", environment: "blue" }),
    );
  });

  test("one that is not there is an error", () => {
    const text = toml(`[vars.POOLS.web]\n${SERVERS}`);
    expect(findingsOf(text, "toml", { against: web, environment: "green" })).toMatchObject([
      { severity: "error", key: "env.green.vars.POOLS", message: expect.stringContaining("missing") },
    ]);
  });
});

describe("compared with pools that have stored requests, a file", () => {
  const SERVERS = 'servers = [{ name = "web-1", url = "https://web-1.example.com" }]';
  const stored = (changes: Partial<DeferredSnapshot>): Running => {
    const deferred = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0, ...changes };
    return { pools: [{ ...pool("web", [WEB_1]), deferred }], unreachable: [] };
  };
  const plain = toml(`[vars.POOLS.web] # here\n${SERVERS}`);
  const WITHOUT = /\[\[durable_objects.bindings\]\]\nname = "DEFERRED"[^[]*/;

  test("in which no pool stores any is warned of: their clients would not find them", () => {
    expect(found(plain, stored({ queued: 2, answered: 40 }))).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS",
        message: expect.stringMatching(
          /stored, 42 in pool "web", and no pool .*their clients do not find them/,
        ),
      },
    ]);
  });

  test("gives no finding where a pool still stores some, or nothing is stored any more", () => {
    const others = toml(
      `[vars.POOLS.web]\n${SERVERS}\n[vars.POOLS.api]\npath_prefix = "/api"\nservers = [{ name = "a", url = "https://a.example.com" }]\ndeferred = {}\n${CHECK}`,
    );
    expect(found(others, stored({ queued: 2 }))).toEqual([]);
    expect(found(plain, stored({}))).toEqual([]);
  });

  test("without the binding in which they are is wrong", () => {
    const findings = found(plain.replace(WITHOUT, ""), stored({ failed: 1 }));
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: "error", message: expect.stringContaining("stored still") }),
    );
  });
});
