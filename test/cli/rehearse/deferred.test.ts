import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Deferred, digestOf, type ServerAnswer } from "../../../src/cli/rehearse/deferred.ts";

const sent = new Map<string, ServerAnswer>();

/** What Sluice would store of a request, and how it would answer for its server. */
interface Stored {
  query: string;
  servedBy: string;
  status: number;
  body: Buffer;
}

/**
 * Accepts all but the request `refused`, and hands the answers out as `alter` leaves them. The server's own record,
 * `sent`, has them as they were.
 */
async function collected(alter: (answer: Stored, number: number) => Stored | null): Promise<Deferred> {
  const stored: Stored[] = [];
  const server = http.createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { url = "", method, headers } = request;
    if (method === "POST" && url === "/report/4") {
      response.writeHead(503).end('{"code":"deferred-full"}');
    } else if (method === "POST") {
      expect(headers.prefer).toBe("respond-async");
      const answer = { query: url, servedBy: "demo-1" };
      sent.set(url, { ...answer, digest: digestOf(body) });
      const number = stored.push({ ...answer, body, status: 200 }) - 1;
      response.writeHead(202, { Location: `${origin()}/stored/${number}` }).end("{}");
    } else {
      expect(headers.prefer).toMatch(/^wait=\d+$/);
      const [, number] = /^\/stored\/(\d+)\/response$/.exec(url) ?? [];
      const answer = alter(stored[Number(number)] as Stored, Number(number));
      if (answer) {
        response.writeHead(answer.status, { "X-Query": answer.query, "X-Served-By": answer.servedBy });
        response.end(answer.body);
      } else response.writeHead(404).end('{"code":"unknown-request"}');
    }
  });
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const deferred = new Deferred(origin());
  let [accepted, answered] = [0, 0];
  await deferred.submit(6, () => accepted++);
  await deferred.collect(sent, () => answered++);
  expect(accepted).toBe(deferred.accepted.length);
  expect(answered).toBe(deferred.answered);
  return deferred;
}

test("a request that gets no 202 is not accepted, and its answer is not asked for", async () => {
  const deferred = await collected((answer) => answer);
  expect(deferred.accepted.length).toBe(5);
  expect(deferred.acceptMs.length).toBe(5);
  expect(Object.fromEntries(deferred.refused)).toEqual({ "503 deferred-full": 1 });
  expect(deferred.answered).toBe(5);
  expect(deferred.lost.size).toBe(0);
});

test("only the very answer that its server has sent counts as answered", async () => {
  const alterations: ((answer: Stored) => Stored | null)[] = [
    () => null,
    (answer) => ({ ...answer, body: answer.body.subarray(1) }),
    (answer) => ({ ...answer, servedBy: "demo-2" }),
    (answer) => ({ ...answer, query: "/report/99" }),
    (answer) => ({ ...answer, status: 500 }),
  ];
  const deferred = await collected((answer, number) => alterations[number]?.(answer) ?? null);
  expect(deferred.answered).toBe(0);
  expect(Object.fromEntries(deferred.lost)).toEqual({
    "404 unknown-request": 1,
    "another answer than its server's": 4,
  });
});

test("an answer with another body than the request had is none of a server that returns it", async () => {
  const deferred = await collected((answer) => {
    const wrong = { ...answer, body: Buffer.from("of another request") };
    sent.set(answer.query, { ...wrong, digest: digestOf(wrong.body) });
    return wrong;
  });
  expect(deferred.answered).toBe(0);
});

test("requests have their places by the order in which they were accepted", async () => {
  const deferred = await collected((answer) => answer);
  const begun = ["/report/2", "/query/7", "/report/0", "/report/5", "/report/0"];
  // The request 4 was refused.
  expect(deferred.placesOf(begun)).toEqual([2, 0, 4, 0]);
});
