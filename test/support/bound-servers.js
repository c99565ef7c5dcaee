/**
 * Servers that are reached by a binding: single-flight ones, of which each says what it did. As the entrypoint of a
 * service there is one a URL's host; as objects of a namespace one a name.
 */
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

const told = {
  overlaps: 0,
  checks: 0,
  probes: 0,
  served: {},
  hosts: [],
  keys: [],
  agents: [],
  forwardedHosts: [],
};
/** How many requests each is at work on. */
const busy = new Map();
let serviceMs = 5;
let isIdle = true;

async function serve(request, name) {
  const { pathname, host } = new URL(request.url);
  if (request.headers.get("x-sluice-check") === "check") told.checks++;
  if (request.headers.get("x-sluice-check") === "probe") told.probes++;
  told.keys.push(request.headers.get("x-gate-key"));
  told.agents.push(request.headers.get("user-agent"));
  told.forwardedHosts.push(request.headers.get("x-forwarded-host"));
  if (pathname === "/headers") return Response.json(Object.fromEntries(request.headers));
  if (pathname === "/moved") return Response.redirect(new URL("/there", request.url), 302);
  if (pathname === "/idle") return new Response(null, { status: isIdle ? 200 : 503 });
  const before = busy.get(name) ?? 0;
  if (before > 0) told.overlaps++;
  busy.set(name, before + 1);
  try {
    const body = await request.text();
    if (pathname !== "/hang") await scheduler.wait(serviceMs);
    else await new Promise((resolve) => setTimeout(resolve, 60_000));
    told.served[name] = (told.served[name] ?? 0) + 1;
    told.hosts.push(host);
    return new Response(`${name} ${request.method} ${request.url} ${body}`);
  } finally {
    busy.set(name, busy.get(name) - 1);
  }
}

export class Box extends DurableObject {
  async fetch(request) {
    if (new URL(request.url).pathname === "/crash") this.ctx.abort("crashed by a test");
    return serve(request, this.ctx.id.name);
  }
}

export class Service extends WorkerEntrypoint {
  fetch(request) {
    const answer = serve(request, new URL(request.url).host);
    // Ends also when its client has gone: cut off, it would count as at work for ever.
    this.ctx.waitUntil(answer.catch(() => {}));
    return answer;
  }
}

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/set") {
      serviceMs = Number(searchParams.get("ms") ?? serviceMs);
      isIdle = searchParams.get("idle") !== "false";
    }
    return Response.json(told);
  },
};
