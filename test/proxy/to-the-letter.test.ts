import { expect, onTestFinished, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { answerTo, WireServer } from "../support/wire.ts";

test("a path and a query that are not ASCII arrive byte for byte", async () => {
  const server = await WireServer.start();
  const sluice = await Sluice.start({ pools: { web: { servers: [{ name: "web-1", url: server.url }] } } });
  onTestFinished(() => sluice.stop());
  const address = Buffer.from("/\u00fc/\u2602?\u{1f600}='\u00fc'").toString("latin1");
  expect(await answerTo(sluice.url, [`GET ${address} HTTP/1.1`, "Host: a.test"])).toMatch(/^HTTP\/1\.1 204 /);
  expect(server.requests[0]).toMatch(`GET ${address} HTTP/1.1\r\n`);
});
