import { createHash } from "node:crypto";
import type { RequestStatus } from "../../src/requests/request-status.ts";
import type { Reply } from "./clients/exchange.ts";
import { statusIn, type Told } from "./clients/monitor.ts";
import type { Journal, Sent } from "./journal.ts";
import { RETRIES } from "./pool.ts";
import { answerTo, sickAnswerTo } from "./servers/answers.ts";
import { parsed, refusalFault, type Verdict } from "./verdict.ts";

/** Timers of two processes are not the same. */
const EARLY_MS = 50;

/** What is wrong with a 202 to a client that would have waited for so long; `null`: nothing. */
export function acceptanceFault({ headers, body }: Reply, tookMs: number, waitS: number): string | null {
  const id = parsed(body)?.id;
  const { location = "", "preference-applied": applied } = headers;
  if (!id || !location.endsWith(`/_sluice/requests/${id}`) || applied !== "respond-async")
    return `a 202 with Location ${location}, Preference-Applied ${applied} and ${body}`;
  if (tookMs >= 1_000 * waitS - EARLY_MS) return null;
  return `202 after ${tookMs.toFixed(0)} ms, though its client would have waited for ${waitS} s`;
}

/** Every stored request has the answer of its last server, or a failure that something accounts for, or was canceled. */
export function fateOf(sent: Sent, told: Told, journal: Journal): Verdict {
  const status = statusIn(told.status);
  if (!status) return unknown(sent, told);
  const arrivals = sent.jobs.length;
  if (status.attempts < arrivals)
    return { lost: `came to servers ${arrivals} times, by ${status.attempts} attempts` };
  if (status.state === "answered") return answered(sent, status, told.response);
  if (status.state === "failed") return failed(sent, status, told.response, journal);
  if (status.state === "canceled") return canceled(sent, told.response);
  return { lost: `still ${status.state}: ${told.status.body}` };
}

/** What is the same whenever it is asked. */
export function summaryOf(told: Told): string {
  const status = statusIn(told.status);
  if (!status) return `${told.status.status} ${codeIn(told.status)}`;
  const { state, attempts, problem, endedAt } = status;
  const { status: code, headers, body } = told.response;
  const content =
    state === "answered" ? createHash("sha256").update(body).digest("hex") : codeIn(told.response);
  return [state, attempts, problem?.code, endedAt, code, headers["x-job"], content].join(" ");
}

function unknown({ stored }: Sent, { status, response }: Told): Verdict {
  const isUnknown = [status, response].every(
    (reply) => reply.status === 404 && codeIn(reply) === "unknown-request",
  );
  if (!isUnknown) return { lost: `an unknown status: ${status.status} ${status.body.slice(0, 300)}` };
  return stored?.isForgotten ? { outcome: "forgotten" } : { lost: "forgotten before its time" };
}

function answered({ jobs }: Sent, { response }: RequestStatus, reply: Reply): Verdict {
  // Whatever came before has failed, or was lost.
  const job = jobs.at(-1);
  const isOf = (text: string) => reply.body === text && reply.headers["x-job"] === String(job?.number);
  const isSame = reply.whole && reply.status === response?.status;
  if (job && isSame && reply.status === 200 && isOf(answerTo(job))) return { outcome: "deferred answered" };
  if (job?.sick && isSame && reply.status !== 200 && isOf(sickAnswerTo(job)))
    return { outcome: "deferred answered out of order" };
  const first = `${reply.status} ${reply.headers["x-job"]} ${reply.body.slice(0, 300)}`;
  return { lost: `not what its last server said (job ${job?.number}): ${first}` };
}

function failed(sent: Sent, status: RequestStatus, response: Reply, journal: Journal): Verdict {
  const { problem, attempts, endedAt } = status;
  const [code, until] = [problem?.code ?? "", momentOf(endedAt, journal)];
  if (codeIn(response) !== code || response.status !== problem?.status)
    return {
      lost: `failed with ${code}, and in the place of its answer is ${response.status} ${response.body}`,
    };
  if (code === "stopped") return { lost: "accepted, and stopped with the pool" };
  const fault = refusalFault(code, response.status, sent, journal, until);
  if (fault !== null) return { lost: `failed: ${code}, ${fault}` };
  const mayRepeat = sent.plan.idempotent || journal.settings.retry_non_idempotent;
  if (code === "fate-unknown" && mayRepeat && attempts <= RETRIES)
    return { lost: `fate-unknown after ${attempts} attempts, though it may be repeated` };
  return { outcome: `deferred failed ${code}` };
}

function canceled({ stored }: Sent, response: Reply): Verdict {
  if (response.status !== 410 || codeIn(response) !== "canceled")
    return { lost: `canceled, and in the place of its answer is ${response.status} ${response.body}` };
  return (stored?.stoppedAt ?? null) === null
    ? { lost: "canceled by nobody" }
    : { outcome: "deferred canceled" };
}

function codeIn({ body }: Reply): string {
  return String(parsed(body)?.code);
}

/** In ms since the run began. */
function momentOf(instant: string | null, journal: Journal): number {
  return instant === null ? journal.now() : journal.now() - (Date.now() - Date.parse(instant));
}
