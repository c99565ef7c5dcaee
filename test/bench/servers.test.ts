import { expect, test } from "vitest";
import { Servers } from "../../bench/servers/servers.ts";

test("the servers tell for whom they were at work, each time anew, and reject a second request", async () => {
  const servers = await Servers.start(1);
  try {
    const serve = async (key: string, ms = 1) => {
      const response = await fetch(`${servers.urls[0]}/serve/${ms}?key=${key}`);
      await response.body?.cancel();
      return response.status;
    };
    for (const key of ["a", "b", "a"]) expect(await serve(key)).toBe(200);
    const works = await servers.works();
    expect(Object.keys(works)).toEqual(["a", "b"]);
    expect(Math.min(...Object.values(works))).toBeGreaterThan(0);
    expect(await servers.works()).toEqual({});
    expect((await Promise.all([serve("a", 500), serve("b", 500)])).toSorted()).toEqual([200, 503]);
    expect(await servers.untilQuiet()).toMatchObject({ served: 4, rejected: 1 });
  } finally {
    await servers.stop();
  }
});
