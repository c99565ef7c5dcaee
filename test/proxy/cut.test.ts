import type { IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { begin, type Call, open } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

const LONG = "x".repeat(5_000_000);
const POST = { method: "POST" };

/** How a client's request ended. */
interface End {
  status: number | null;
  /** False if the answer broke off. */
  isWhole: boolean;
  body: string;
}

/** What a server does with a request until it is cut off, by its path. */
const SERVER: Record<string, (request: IncomingMessage) => void> = {
  "/silent": () => {},
  "/headers": ({ socket }) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
  "/length": ({ socket }) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
  "/chunks": ({ socket }) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
  "/until-closed": ({ socket }) => socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf"),
  "/packed": ({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
    const packed = gzipSync("whole");
    socket.write(`${packed.length.toString(16)}\r\n`);
    socket.write(packed);
    socket.write("\r\n");
  },
  "/events": ({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.write("d\r\ndata: first\n\n\r\n");
  },
  "/drips": ({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const drip = setInterval(() => socket.write("1\r\nx\r\n"), 20);
    socket.once("close", () => clearInterval(drip));
  },
  "/large": ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${2 * LONG.length}\r\n\r\n`);
    socket.write(LONG);
  },
  "/early": ({ socket }) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
};

const CALLS: Record<string, Call> = {
  ...Object.fromEntries(Object.keys(SERVER).map((path) => [path, { path }])),
  "HEAD /silent": { method: "HEAD", path: "/silent" },
  "POST /silent": { ...POST, path: "/silent", body: "small" },
};
const UPLOADS: Record<string, Call> = {
  "upload with its length": { ...POST, path: "/silent", headers: { "Content-Length": 2_000_000 } },
  "upload in chunks": { ...POST, path: "/silent" },
  "upload that is answered meanwhile": { ...POST, path: "/early", headers: { "Content-Length": 2_000_000 } },
};

/** How each of them ended. */
const ends = new Map<string, End>();
/** Paths of what came to the server. */
const arrived: string[] = [];
/** Bytes of uploads that the server took for complete. */
let completeUploads = 0;
let buffered: End;
let sluice: Sluice;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function endOf(answering: Promise<IncomingMessage>): Promise<End> {
  let status: number | null = null;
  let body = "";
  try {
    const answer = await answering;
    status = answer.statusCode ?? null;
    for await (const chunk of answer) body += chunk;
    return { status, isWhole: true, body };
  } catch {
    return { status, isWhole: false, body };
  }
}

async function upload(call: Call): Promise<End> {
  const { request, response } = begin(sluice.url, call);
  request.on("error", () => {});
  request.write(Buffer.alloc(1_000_000));
  return endOf(response);
}

/** A client that reads nothing of an answer that Sluice has in its buffer, until all others have ended. */
async function slowReader(others: Promise<unknown>): Promise<End> {
  const answer = await open(sluice.url, { path: "/buffered" });
  answer.pause();
  await others;
  return endOf(Promise.resolve(answer));
}

beforeAll(async () => {
  const origin = await Origin.start((request, response) => {
    const path = request.url ?? "";
    arrived.push(`${request.method} ${path}`);
    request.on("data", () => {});
    request.on("error", () => {});
    request.socket.on("error", () => {});
    if (request.method === "POST" && request.headers["content-length"] !== "5")
      request.once("end", () => completeUploads++);
    if (path === "/buffered") response.end(LONG);
    else SERVER[path]?.(request);
  });
  const servers = [{ name: "web-1", url: origin.url, slots: 100 }];
  const keys = { buffer_request: "64KiB", buffer_response: "8MiB", retry_non_idempotent: true };
  sluice = await Sluice.start({ bundle: "production", pools: { web: { servers, retries: 3, ...keys } } });
  const all = [
    ...Object.entries(CALLS).map(
      async ([name, call]) => void ends.set(name, await endOf(open(sluice.url, call))),
    ),
    ...Object.entries(UPLOADS).map(async ([name, call]) => void ends.set(name, await upload(call))),
  ];
  const reader = slowReader(Promise.all(all));
  await sluice.until("web", ({ inFlight }) => inFlight === all.length);
  // Those that have just begun attach first.
  await pause(1_200);
  expect((await sluice.drain("web", { cut: "0s", wait: "30s" })).status).toBe(200);
  await Promise.all(all);
  buffered = await reader;
  return async () => {
    await sluice.stop();
    await origin.stop();
  };
}, 30_000);

describe("a request that an operator's drain cuts off", () => {
  test.each(["/silent", "POST /silent"])("before its answer is a 504 that says so: %s", (name) => {
    const { status, isWhole, body } = ends.get(name) as End;
    expect([status, isWhole]).toEqual([504, true]);
    expect(JSON.parse(body)).toMatchObject({
      code: "cut-off",
      detail: "An operator ended the request before its server was done.",
    });
  });

  test("before its answer to HEAD is a 504", () => {
    expect(ends.get("HEAD /silent")).toMatchObject({ status: 504, isWhole: true, body: "" });
  });

  test.each(["/headers", "/length", "/chunks", "/until-closed", "/packed", "/events", "/drips", "/large"])(
    "within its answer breaks off, and looks whole to nobody: %s",
    (name) => {
      expect(ends.get(name)).toMatchObject({ status: 200, isWhole: false });
    },
  );

  test.each(["upload with its length", "upload in chunks"])("within its upload is a 504: %s", (name) => {
    expect(ends.get(name)).toMatchObject({ status: 504, isWhole: true });
  });

  test("within both its upload and its answer breaks off", () => {
    expect(ends.get("upload that is answered meanwhile")).toMatchObject({ status: 200, isWhole: false });
  });

  test("has no upload that its server takes for complete", () => {
    expect(completeUploads).toBe(0);
  });

  test("came to a server once", () => {
    const sent = [...Object.values(CALLS), ...Object.values(UPLOADS), { path: "/buffered" }];
    const expected = sent.map(({ method = "GET", path }) => `${method} ${path}`);
    expect(arrived.sort()).toEqual(expected.sort());
  });

  test("has a line in the log whose outcome says so", async () => {
    const lines = await Promise.all(
      [...arrived].map((path) => sluice.logged((line) => `${line.method} ${line.path}` === path)),
    );
    const cutOff = lines.filter(({ path }) => path !== "/buffered");
    expect(new Set(cutOff.map(({ outcome }) => outcome))).toEqual(new Set(["cut-off"]));
  });
});

test("an answer that Sluice has whole is not cut off, however slowly its client reads", () => {
  expect(buffered).toMatchObject({ status: 200, isWhole: true });
  expect(buffered.body.length).toBe(LONG.length);
});
