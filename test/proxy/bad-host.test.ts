import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { useStage } from "../support/stage.ts";

const stage = useStage();

test.each(["bad host", "a.test:99999", "[::1"])(
  "a request for the host %j, which none can have, is refused by name, and the next one goes on",
  async (host) => {
    const socket = connect(Number(new URL(stage.sluice.url).port), "127.0.0.1");
    socket.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"invalid-request"');
    expect((await fetch(`${stage.sluice.url}/_sluice/healthz`)).status).toBe(200);
  },
);
