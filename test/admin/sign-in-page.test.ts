import { expect, test } from "vitest";
import { signInPage } from "../../src/admin/sign-in/page.ts";
import { Refusal } from "../../src/refusals/refusal.ts";
import { useStage } from "../support/stage.ts";
import { ask, problemOf } from "./support.ts";

const stage = useStage();
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const WRONG = `Basic ${btoa("me:wrong")}`;

const shown = (headers: Record<string, string>, path = "/_sluice/") =>
  ask(stage.sluice, { method: "GET", path }, { Accept: BROWSER, ...headers });

test.each([
  ["calls the sign-in off", {}],
  ["has a wrong token", { Authorization: WRONG }],
])(
  "a browser whose person %s shows what this is, what is needed and how to try again",
  async (_, headers) => {
    const response = await shown(headers);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Basic realm="Sluice", charset="UTF-8"');
    expect(response.headers.get("cache-control")).toBe("no-store");
    const page = await response.text();
    expect(page).toContain("<h1>You are not signed in</h1>");
    expect(page).toContain("the password is the token");
    expect(page).toContain('<a href="/_sluice/">Sign in</a>');
    // For who asks somebody else about it.
    expect(page).toContain(`401 unauthorized · request ${response.headers.get("x-request-id")}`);
  },
);

test("the page tells a stranger nothing of what is inside", async () => {
  const pages = ["/_sluice/", "/_sluice/api/pools/web", "/_sluice/api/pools/none", "/_sluice/none"];
  const texts = await Promise.all(pages.map(async (path) => (await shown({}, path)).text()));
  const [first, ...others] = texts.map((text) => text.replace(/request [\w-]{36}/, ""));
  expect(others).toEqual(others.map(() => first));
  expect(first).not.toMatch(/ADMIN_TOKEN|wrangler|web|\bpool|127\.0\.0\.1/i);
});

test("where Cloudflare Access signs people in, it speaks of no password", () => {
  const page = signInPage('Bearer realm="Sluice"')(new Refusal("unauthorized", ""), "id-1");
  expect(page).toContain("Cloudflare Access signs people in here");
  expect(page).not.toMatch(/password|token/);
});

test("programs get the refusal as ever", async () => {
  const response = await ask(stage.sluice, { method: "GET", path: "/_sluice/" }, {});
  await problemOf(response, 401, "unauthorized");
});
