import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { ROOMY, useStage } from "../support/stage.ts";

const stage = useStage({ ...ROOMY, asked: { host_header: "client" } });

async function answered(status: number, headers: Record<string, string>, host = "app.example.com") {
  stage.origin.answer = (_request, response) => {
    response.writeHead(status, headers).end();
  };
  return send(stage.sluice.url, { headers: { Host: host } });
}

describe("redirects are passed on, not followed", () => {
  test.each([[301], [302], [303], [307], [308]])("%d", async (status) => {
    const before = stage.origin.count;
    const answer = await answered(status, { Location: "/elsewhere?x=1#y" });
    expect(answer.status).toBe(status);
    expect(answer.headers.location).toBe("/elsewhere?x=1#y");
    expect(stage.origin.count).toBe(before + 1);
  });
});

describe.each([["Location"], ["Content-Location"]])("%s", (name) => {
  const header = (answer: Awaited<ReturnType<typeof send>>) => answer.headers[name.toLowerCase()];

  test.each([
    ["", ""],
    ["/", "/"],
    ["/a%2Fb?c=d#e", "/a%2Fb?c=d#e"],
    ["?c", "?c"],
    ["#e", "#e"],
  ])("naming the server's own origin and %j is mapped to the client's", async (rest, mapped) => {
    const answer = await answered(201, { [name]: stage.origin.url + rest });
    expect(header(answer)).toBe(`http://app.example.com${mapped}`);
  });

  test("is mapped in whatever letters the server writes its own name", async () => {
    const answer = await answered(201, { [name]: stage.origin.url.replace("http", "HTTP") });
    expect(header(answer)).toBe("http://app.example.com");
  });

  test.each([
    ["https://foreign.example.com/x"],
    ["/relative"],
    ["//app.example.com/x"],
    ["mailto:x@example.com"],
    ["h\u00e9"],
  ])("%s stays as it came", async (value) => {
    expect(header(await answered(201, { [name]: value }))).toBe(value);
  });

  test("naming another port or a longer name stays as it came", async () => {
    for (const value of [`${stage.origin.url}1/x`, `${stage.origin.url}.example.com`]) {
      expect(header(await answered(201, { [name]: value }))).toBe(value);
    }
  });

  test("is mapped where host_header has no effect, as Cloudflare is not there", async () => {
    const answer = await answered(201, { [name]: `${stage.origin.url}/x` }, "asked.test");
    expect(header(answer)).toBe("http://asked.test/x");
  });
});

describe("Destination", () => {
  async function arriving(destination: string) {
    const headers = { Host: "app.example.com", Destination: destination };
    const answer = send(stage.sluice.url, { method: "MOVE", path: "/a", headers });
    const { request, response } = await stage.origin.arrival();
    response.end();
    await answer;
    return request.headers.destination;
  }

  test("naming the client's origin is mapped to the server's", async () => {
    expect(await arriving("http://app.example.com/b%2Fc")).toBe(`${stage.origin.url}/b%2Fc`);
  });

  test.each([["https://foreign.example.com/b"], ["/b"]])("%s stays as it came", async (value) => {
    expect(await arriving(value)).toBe(value);
  });
});
