import { once } from "node:events";
import { expect, test } from "vitest";
import { open } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({ web: { quarantine: { max: "1h" } } });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Well below the 10 s in which a holder would renew its lease, or renews it again. */
const AT_ONCE = { timeout: 5_000 };

test.each([
  ["just been granted", 0],
  ["been held for long", 1_500],
])(
  "a request whose slot was given away when it had %s gets nothing more from its server, at once, and its client a 504",
  AT_ONCE,
  async (_, heldMs) => {
    const answering = open(stage.sluice.url);
    const { request } = await stage.origin.arrival();
    const closed = once(request.socket, "close");
    await pause(heldMs);
    const { servers } = await stage.sluice.snapshot("web");
    await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
    await closed;
    const answer = await answering;
    expect(answer.statusCode).toBe(504);
    expect(JSON.parse(String(Buffer.concat(await answer.toArray()))).code).toBe("cut-off");
  },
);
