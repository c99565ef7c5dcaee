import { expect, onTestFinished } from "vitest";
import { admin } from "../../src/admin/app.ts";
import { Origin } from "../support/origin.ts";
import { Sluice, type SluiceOptions, TOKEN } from "../support/sluice.ts";

export const BEARER = { Authorization: `Bearer ${TOKEN}` };

export interface Route {
  method: string;
  /** For the pool `web`, its server `web-1`, an unknown lease and an unknown deferred request. */
  path: string;
  /** One that it takes, where it takes none without. */
  body?: string;
}

/** Every route that needs the token, from the app itself, so that no new route is forgotten. */
export const CLOSED_ROUTES: Route[] = routesOf(admin.routes).filter(
  ({ path }) => path !== "/_sluice/healthz",
);

/** Those of them that know the pools. */
export const ROUTES_OF_POOLS: Route[] = CLOSED_ROUTES.filter(
  ({ path }) => path !== "/_sluice/api/openapi.json",
);

function routesOf(handlers: readonly Route[]): Route[] {
  const routes = new Map<string, Route>();
  for (const { method, path } of handlers) {
    if (method === "ALL") continue; // what stands before every route
    const named = path.replace(":pool", "web").replace(":server", "web-1");
    const filled = named.replace(":lease", "none").replace(":id", "none");
    const body = method === "PUT" ? { body: JSON.stringify({ url: "http://127.0.0.1:8" }) } : {};
    routes.set(`${method} ${filled}`, { method, path: filled, ...body });
  }
  return [...routes.values()];
}

/** Sluice with the pool `web`. Its only server, `web-1`, is the origin. Both end with the test. */
export async function stage(
  keys: Record<string, unknown> = {},
  options: Partial<SluiceOptions> = {},
): Promise<{ sluice: Sluice; origin: Origin }> {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-1", url: origin.url }];
  const sluice = await Sluice.start({ pools: { web: { servers, ...keys } }, ...options });
  onTestFinished(() => sluice.stop());
  return { sluice, origin };
}

/** Pools of tests that proxy no request. */
export const IDLE_POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };

/** Sends the token, unless there are other `headers`. */
export function ask(
  sluice: Sluice,
  { method, path, body: usual }: Route,
  headers: Record<string, string> = BEARER,
  body = usual,
): Promise<Response> {
  return fetch(sluice.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
}

export interface Problem {
  code: string;
  detail: string;
  [key: string]: unknown;
}

/** The JSON of a refusal. Fails for any other answer, status or code. */
export async function problemOf(response: Response, status: number, code: string): Promise<Problem> {
  const text = await response.text();
  expect.soft(response.status, text).toBe(status);
  expect.soft(response.headers.get("content-type")).toBe("application/problem+json");
  expect.soft(response.headers.get("cache-control")).toBe("no-store");
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({ type: "about:blank", title: expect.any(String), status, code });
  expect(problem.instance).toBe(response.headers.get("x-request-id"));
  return problem;
}

/** Sends a request to the pool. Resolves with the answer as `200 text`. */
export function get(sluice: Sluice, path: string): Promise<string> {
  const answer = fetch(sluice.url + path).then(
    async (response) => `${response.status} ${await response.text()}`,
  );
  // Handled, so that a test that fails meanwhile reports one error and not two.
  answer.catch(() => {});
  return answer;
}
