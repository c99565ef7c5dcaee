import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { queryNumber, Traffic } from "../../../src/cli/rehearse/traffic.ts";

test("only a server's own whole answer counts as answered", async () => {
  const answers = [
    (response: http.ServerResponse) => response.setHeader("X-Served-By", "demo-1").end("done\n"),
    (response: http.ServerResponse) => response.end("done\n"),
    (response: http.ServerResponse) => response.writeHead(503).end("query rejected, already processing\n"),
    (response: http.ServerResponse) => response.writeHead(503).end('{"status":503,"code":"queue-full"}'),
    (response: http.ServerResponse) => response.destroy(),
    (response: http.ServerResponse) => {
      response.setHeader("X-Served-By", "demo-1").write("do");
      setTimeout(() => response.destroy(), 20);
    },
  ];
  const traffic = new Traffic(await serve((number, response) => void answers[number]?.(response)));
  await traffic.run(1000, answers.length);
  expect(traffic.sent).toBe(6);
  expect(traffic.answered).toBe(1);
  expect(Object.fromEntries(traffic.dropped)).toEqual({
    "200 done": 1,
    "503 query rejected, already processing": 1,
    "503 queue-full": 1,
    ECONNRESET: 2,
  });
});

test("no request waits for the answer to another one", async () => {
  let waiting = 0;
  const url = await serve(async (_, response) => {
    waiting++;
    while (waiting < 20) await sleep(1);
    response.setHeader("X-Served-By", "demo-1").end("done\n");
  });
  const traffic = new Traffic(url);
  await traffic.run(200, 100);
  expect(traffic.answered).toBe(20);
});

test("the longest time from sending to the answer is kept", async () => {
  const url = await serve(async (number, response) => {
    await sleep(number === 1 ? 150 : 0);
    response.setHeader("X-Served-By", "demo-1").end("done\n");
  });
  const traffic = new Traffic(url);
  await traffic.run(1000, 3);
  expect(traffic.longestMs).toBeGreaterThanOrEqual(149);
  expect(traffic.longestMs).toBeLessThan(5000);
});

async function serve(answer: (number: number, response: http.ServerResponse) => void): Promise<string> {
  const server = http.createServer((request, response) => {
    answer(queryNumber(request.url ?? "") ?? Number.NaN, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
