import { expect, test } from "vitest";
import { identityOf } from "../../src/config/server-identity.ts";
import { fetchOf } from "../../src/servers/fetcher.ts";

test("a probe of a retired server comes to its own object, though it is called by its identity by then", async () => {
  const getByName = (object: string) => ({ fetch: async () => new Response(object) });
  const askedOf = async (name: string) => {
    const send = fetchOf({ BOXES: { getByName } }, { name, url: "http://old", binding: "BOXES" });
    return (await send("http://old/idle", {})).text();
  };
  expect(await askedOf("box-1")).toBe("box-1");
  const identity = identityOf({ name: "box-1", url: "http://old", binding: "BOXES" }, true);
  expect(await askedOf(identity)).toBe("box-1");
});
