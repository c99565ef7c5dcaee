import { DurableObject } from "cloudflare:workers";
import type { ServersEnv } from "./lie.ts";
import type { ServerReport, Work } from "./messages.ts";
import { ownPlace } from "./place.ts";

/** How long an answer may take beyond its work, in ms. A request whose object was stopped in it never ends. */
const LONGEST_END_MS = 1_000;
const CHUNK_EVERY_MS = 200;

/**
 * A server that can do one request at a time, and rejects a second one that comes meanwhile. It works each to its end,
 * also when its client has left, and keeps a report of what it did. The query string says how: `ms` is how long
 * the work takes, and with `stream` the answer begins at once and goes on for that long.
 */
export class SingleFlight extends DurableObject<ServersEnv> {
  readonly #instance = crypto.randomUUID();
  readonly #works: Work[] = [];
  #overlaps = 0;
  #busyUntil = 0;

  override async fetch(request: Request): Promise<Response> {
    const { pathname, search, searchParams } = new URL(request.url);
    const beganAt = Date.now();
    const ms = Number(searchParams.get("ms") ?? 0);
    const headers = { "Content-Type": "text/plain", "X-Served-By": this.#name, "X-Query": pathname + search };
    if (beganAt < this.#busyUntil) {
      this.#overlaps++;
      return new Response("query rejected, already processing\n", { status: 503, headers });
    }
    this.#busyUntil = beganAt + ms + LONGEST_END_MS;
    const work: Work = { query: pathname + search, beganAt, endedAt: null, digest: "" };
    this.#works.push(work);
    if (this.env.LIE === "overlap") this.#overlaps++;
    const body = await this.#answerTo(request, work);
    work.digest = await digestOf(body);
    if (this.env.LIE === "answer") body[0] = (body[0] ?? 0) ^ 1;
    if (searchParams.has("stream")) return new Response(this.#streamed(body, ms, work), { headers });
    await scheduler.wait(ms);
    this.#end(work);
    return new Response(body, { headers });
  }

  report(): ServerReport {
    return { name: this.#name, instance: this.#instance, overlaps: this.#overlaps, works: this.#works };
  }

  place(): Promise<string | null> {
    return ownPlace();
  }

  get #name(): string {
    return this.ctx.id.name ?? "";
  }

  /** What the request has brought, or a line of its own. */
  async #answerTo(request: Request, { query, beganAt }: Work): Promise<Uint8Array> {
    const received = new Uint8Array(await request.arrayBuffer());
    if (received.length > 0) return received;
    return new TextEncoder().encode(`${this.#name} ${query} ${beganAt}\n`);
  }

  /** The body at once, and the end of the answer when the work is done, also where nobody reads it any more. */
  #streamed(body: Uint8Array, ms: number, work: Work): ReadableStream<Uint8Array> {
    const endsAt = Date.now() + ms;
    let hasReader = true;
    const steps = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      controller.enqueue(body);
      while (Date.now() < endsAt) await scheduler.wait(Math.min(CHUNK_EVERY_MS, endsAt - Date.now()));
      this.#end(work);
      if (hasReader) controller.close();
    };
    return new ReadableStream({
      start: (controller) => void this.ctx.waitUntil(steps(controller)),
      cancel: () => {
        hasReader = false;
      },
    });
  }

  #end(work: Work): void {
    work.endedAt = Date.now();
    this.#busyUntil = 0;
  }
}

async function digestOf(body: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
