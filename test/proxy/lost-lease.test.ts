import { once } from "node:events";
import { expect, test } from "vitest";
import { open } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({ web: { quarantine: { max: "1h" } } });

test("a request whose slot was given away gets nothing more from its server, and its client a 504", async () => {
  const answering = open(stage.sluice.url);
  const { request } = await stage.origin.arrival();
  const closed = once(request.socket, "close");
  const { servers } = await stage.sluice.snapshot("web");
  await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
  // The holder asks every ten seconds whether the slot is still its own.
  await closed;
  const answer = await answering;
  expect(answer.statusCode).toBe(504);
  expect(JSON.parse(String(Buffer.concat(await answer.toArray()))).code).toBe("cut-off");
});
