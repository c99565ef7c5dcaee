import { onTestFinished } from "vitest";
import { type Answer, send } from "./client.ts";

/** What a browser sends with a navigation. */
export const NAVIGATION = {
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Dest": "document",
};

/** A browser as far as a waiting page needs one: it keeps cookies by name, whatever their path. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly #url: string;
  readonly #ids = new Set<string>();

  /** Until the test ends: then it waits for nothing any more. */
  constructor(url: string) {
    this.#url = url;
    onTestFinished(async () => {
      for (const id of this.#ids) await send(url, { method: "DELETE", path: `/_sluice/requests/${id}` });
    });
  }

  /** Asks for the page, or reloads it. */
  async visit(path = "/", headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const cookies: Record<string, string> = cookie === "" ? {} : { Cookie: cookie };
    const answer = await send(this.#url, {
      method,
      path,
      headers: { ...NAVIGATION, ...cookies, ...headers },
    });
    for (const text of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = "", rest = ""] = /^([^=]+)=([^;]*);?(.*)$/.exec(text) ?? [];
      if (/max-age=0(;|$)/i.test(rest)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    if (this.id !== undefined) this.#ids.add(this.id);
    return answer;
  }

  /** The id of the request that it waits for; `undefined`: it waits for none. */
  get id(): string | undefined {
    return [...this.cookies].find(([name]) => name.startsWith("sluice-wait-"))?.[1];
  }
}

/** Occupies a pool's only slot until its answer, at the latest until the test ends. */
export async function occupy(
  {
    sluice,
    origin,
  }: { sluice: { url: string }; origin: { arrival(): Promise<{ response: { end(): unknown } }> } },
  headers: Record<string, string> = {},
): Promise<() => void> {
  const answered = send(sluice.url, { path: "/slow", headers }).catch(() => {});
  const { response } = await origin.arrival();
  const free = () => void response.end();
  onTestFinished(async () => {
    free();
    await answered;
  });
  return free;
}
