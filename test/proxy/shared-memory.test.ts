import { expect, test } from "vitest";
import { open } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const BYTES = 4 * 1024 * 1024;
const stage = useStage({ web: { slots: 100 } });

test("clients that are answered at the same time, fast and slow ones, get no byte of each other's answers", async () => {
  stage.origin.answer = (request, response) =>
    response.end(Buffer.alloc(BYTES, Number(request.url?.slice(1))));
  const clients = Array.from({ length: 12 }, async (_, n) => {
    const answer = await open(stage.sluice.url, { path: `/${n + 1}` });
    let [whole, others] = [0, 0];
    for await (const data of answer as AsyncIterable<Buffer>) {
      whole += data.length;
      if (data.some((byte) => byte !== n + 1)) others++;
      if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { whole, others };
  });
  expect(await Promise.all(clients)).toEqual(clients.map(() => ({ whole: BYTES, others: 0 })));
});
