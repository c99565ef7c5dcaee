import { describe, expect, test } from "vitest";
import { cloudflareAnswer } from "../../src/servers/cloudflare-answer.ts";

function answer(status: number, server?: string): Response {
  return new Response("", { status, headers: server === undefined ? {} : { server } });
}

describe("an answer of Cloudflare's own", () => {
  test.each([
    [520, "broken"],
    [521, "refused"],
    [522, "maybe-reached"],
    [523, "never-reached"],
    [524, "timeout"],
    [525, "never-reached"],
    [526, "never-reached"],
    [530, "never-reached"],
  ])("%i says that the request's connection was %s", (status, says) => {
    expect(cloudflareAnswer(answer(status, "cloudflare"))).toBe(says);
  });

  test("is known however its Server header is spelled", () => {
    expect(cloudflareAnswer(answer(521, "Cloudflare"))).toBe("refused");
  });

  test.each([200, 500, 503, 504, 527])(
    "is not every answer through Cloudflare: %i is the server's",
    (status) => {
      expect(cloudflareAnswer(answer(status, "cloudflare"))).toBeNull();
    },
  );

  test.each([undefined, "nginx", "cloudflare-nginx"])(
    "is not a server's own 521 with Server: %s",
    (server) => {
      expect(cloudflareAnswer(answer(521, server))).toBeNull();
    },
  );
});
