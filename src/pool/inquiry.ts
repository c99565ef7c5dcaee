import type { PoolConfig } from "../config/types.ts";
import type { CheckReport } from "../scheduler/fleet/check-report.ts";
import { noAnswer } from "../scheduler/fleet/check-report.ts";
import type { CheckResult } from "../scheduler/fleet/health.ts";
import type { ServerQuestion } from "../scheduler/record/outbox.ts";
import { type CloudflareAnswer, cloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { NoBinding, NoSecret } from "../servers/fetcher.ts";
import { isConnectionLost, refuses } from "../servers/tcp.ts";
import { AnswerBody } from "./answer-body.ts";
import { addressOf, send, type Wanted } from "./check-request.ts";
import { bindingWords, cloudflareWords, noHeaderWords, noTextWords, statusWords } from "./check-words.ts";

/** The result of a check that Cloudflare answered and not the server. */
const RESULTS: Record<Exclude<CloudflareAnswer, "refused">, CheckResult> = {
  "never-reached": "broken",
  "maybe-reached": "broken",
  broken: "broken",
  timeout: "timeout",
};

/** One check or probe under way: sends it, reads the answer and judges it. */
export class Inquiry {
  /** Resolves once the server is done with the question: at its answer's last byte. Never rejects. */
  readonly report: Promise<CheckReport>;
  readonly #env: object;
  readonly #pool: PoolConfig;
  readonly #question: ServerQuestion;
  readonly #wanted: Wanted;
  readonly #address: URL;
  /** Origins behind Cloudflare's proxy. A Worker cannot `connect` to Cloudflare's addresses: it seems to be refused. */
  readonly #proxied: Set<string>;
  readonly #abort = new AbortController();
  /** The answer's status in words, once its headers are there. */
  #status: string | null = null;
  #body: AnswerBody | null = null;

  /** `proxied` grows by what is learned here. */
  constructor(env: object, pool: PoolConfig, question: ServerQuestion, wanted: Wanted, proxied: Set<string>) {
    this.#env = env;
    this.#pool = pool;
    this.#question = question;
    this.#wanted = wanted;
    this.#address = addressOf(question, wanted);
    this.#proxied = proxied;
    this.report = this.#ask();
  }

  /** Returns what the server has come to in `timeoutMs`, without the end of its answer. */
  unfinished(timeoutMs: number): CheckReport {
    const { got, ...silence } = noAnswer(timeoutMs);
    if (this.#status === null) return { got, ...silence };
    // A text that was asked for is the answer, whatever follows it.
    if (this.#body?.found) return { result: "passed", got: this.#status, cutOff: true };
    return { got: `${this.#status}, but ${got.replace("answer", "end")}`, ...silence };
  }

  /** Closes the connection. */
  close(): void {
    this.#abort.abort();
  }

  async #ask(): Promise<CheckReport> {
    try {
      return await this.#judge(await this.#answer());
    } catch (error) {
      return { ...(await this.#failure(error)), cutOff: false };
    }
  }

  async #answer(): Promise<Response> {
    const { origin } = this.#address;
    const sendIt = (proxied: boolean) =>
      send(this.#env, this.#pool, this.#question, this.#wanted, { proxied, signal: this.#abort.signal });
    const wasKnown = this.#proxied.has(origin);
    const response = await sendIt(wasKnown);
    if (wasKnown || !response.headers.has("cf-ray")) return response;
    this.#proxied.add(origin);
    if (this.#wanted.host === null || this.#question.binding !== null) return response;
    await new AnswerBody(null).read(response.body);
    return sendIt(true);
  }

  async #judge(response: Response): Promise<CheckReport> {
    const byCloudflare = cloudflareAnswer(response);
    if (byCloudflare) {
      const whole = await new AnswerBody(null).read(response.body);
      const result = byCloudflare === "refused" ? this.#refused : RESULTS[byCloudflare];
      return { result, got: cloudflareWords(response), cutOff: !whole };
    }
    const status = statusWords(response, this.#address);
    this.#status = status;
    const wrong = this.#wrongHead(response);
    const { expect } = this.#wanted;
    const body = new AnswerBody(wrong === null ? expect : null);
    this.#body = body;
    const cutOff = !(await body.read(response.body));
    if (wrong !== null) return { result: "failed", got: status + wrong, cutOff };
    if (expect === null || body.found) return { result: "passed", got: status, cutOff };
    return { result: "failed", got: `${status}, but ${noTextWords(expect, body.isLong)}`, cutOff };
  }

  /** Returns what is wrong with the answer's headers, to be said after its status; `null`: nothing. */
  #wrongHead({ status, headers }: Response): string | null {
    const { status: wanted, expectHeader } = this.#wanted;
    if (!matches(status, wanted)) return "";
    if (expectHeader === null) return null;
    const value = headers.get(expectHeader.name);
    const fits = expectHeader.value === null ? value !== null : value === expectHeader.value;
    return fits ? null : `, but ${noHeaderWords(expectHeader)}`;
  }

  /** Another port may be another process: that the server itself has stopped, it does not say. */
  get #refused(): CheckResult {
    return this.#address.origin === new URL(this.#question.url).origin ? "refused" : "broken";
  }

  async #failure(error: unknown): Promise<Pick<CheckReport, "result" | "got">> {
    if (this.#abort.signal.aborted) return { result: "timeout", got: "no answer in time" };
    if (error instanceof NoBinding || error instanceof NoSecret)
      return { result: "broken", got: error.message };
    if (this.#status !== null) return { result: "broken", got: `${this.#status}, then broke off` };
    // Whatever is behind a binding, a connection of our own does not come there.
    if (this.#question.binding !== null) return { result: "broken", got: bindingWords(error) };
    const { origin } = this.#address;
    if (!this.#proxied.has(origin) && (await refuses(origin, error).catch(() => false)))
      return { result: this.#refused, got: "connection refused" };
    return { result: "broken", got: isConnectionLost(error) ? "broke off" : "no connection" };
  }
}

/** `pattern`: a status (`200`), a class (`2xx`), or a list of these (`2xx,404`). */
function matches(status: number, pattern: string): boolean {
  return pattern.split(",").some((part) => {
    const text = String(status);
    return part.endsWith("xx") ? text[0] === part[0] : text === part;
  });
}
