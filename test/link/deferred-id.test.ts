import { describe, expect, test } from "vitest";
import { deferredAddress } from "../../src/link/deferred-id.ts";
import type { Env } from "../../src/link/env.ts";

const ID = "a".repeat(64) + "b".repeat(32);

function envWith(idFromString: (id: string) => string): Env {
  return { DEFERRED: { idFromString } } as unknown as Env;
}

describe("the id of a deferred request", () => {
  test("is that of its object and a secret", () => {
    const address = deferredAddress(
      envWith((id) => id),
      ID,
    );
    expect(address).toEqual({ id: ID, objectId: "a".repeat(64), secret: "b".repeat(32) });
  });

  test.each(["", "x", ID.slice(1), `${ID}0`, ID.toUpperCase(), ` ${ID}`, `${ID}\n`])(
    "can never be %j",
    (id) => {
      expect(
        deferredAddress(
          envWith((given) => given),
          id,
        ),
      ).toBeNull();
    },
  );

  test("is unknown if the platform has never made it", () => {
    const env = envWith(() => {
      throw new TypeError("not an id");
    });
    expect(deferredAddress(env, ID)).toBeNull();
  });

  test("is NOT unknown where the binding is missing: a pool would forget what is stored there", () => {
    expect(() => deferredAddress({} as Env, ID)).toThrow(expect.objectContaining({ code: "misconfigured" }));
  });
});
