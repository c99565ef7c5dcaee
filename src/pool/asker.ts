import type { PoolConfig } from "../config/types.ts";
import { inTime } from "../link/clock.ts";
import type { CheckReport } from "../scheduler/fleet/check-report.ts";
import type { Question, ServerQuestion, WakeQuestion } from "../scheduler/record/outbox.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { NoSecret, withSecrets } from "../servers/fetcher.ts";
import { PROBE } from "./check-request.ts";
import { Inquiry } from "./inquiry.ts";

/** How long a probe waits for its answer, in ms; without one, the server is probed again later. */
const PROBE_TIMEOUT_MS = 1_000;
/** How long a call for servers waits for its answer, in ms. */
const WAKE_TIMEOUT_MS = 10_000;
/** Timed-out checks still open at a time: an object may have six connections that wait for headers. */
const MOST_LATE = 2;

interface Answer {
  report: CheckReport;
  /**
   * Only of a check that timed out and holds a slot: how it ends after all, within `quarantine.max`; `null`: its
   * connection was closed. Never rejects.
   */
  late: Promise<CheckReport> | null;
}

/** Sends health checks and probes to servers, asks for servers, and tells the scheduler what came of it. */
export class Asker {
  readonly #env: object;
  readonly #settings: PoolConfig;
  readonly #scheduler: Scheduler;
  readonly #changed: () => void;
  /** Origins that were found to be behind Cloudflare's proxy. */
  readonly #proxied = new Set<string>();
  #late = 0;

  /** `changed`: called when the scheduler has something to commit. */
  constructor(env: object, settings: PoolConfig, scheduler: Scheduler, changed: () => void) {
    this.#env = env;
    this.#settings = settings;
    this.#scheduler = scheduler;
    this.#changed = changed;
  }

  /** Sends a question, and tells the scheduler what came of it. */
  async put(question: Question): Promise<void> {
    if (question.kind === "wake") {
      this.#scheduler.woken(await this.#wake(question), Date.now());
      this.#changed();
      return;
    }
    const { report, late } = await this.#ask(question);
    if (question.kind === "probe") {
      this.#scheduler.probed(question.identity, report.result === "passed", question.askedAt, Date.now());
    } else {
      this.#scheduler.checked(question.id, report, Date.now());
      void late?.then((end) => {
        this.#scheduler.checkedLate(question.id, end, Date.now());
        this.#changed();
      });
    }
    this.#changed();
  }

  /** Resolves when the server has answered or the question has timed out. Never rejects. */
  async #ask(question: ServerQuestion): Promise<Answer> {
    const { check, quarantine } = this.#settings;
    const ofCheck = question.kind === "check" ? check : null;
    const timeoutMs = ofCheck?.timeoutMs ?? PROBE_TIMEOUT_MS;
    const inquiry = new Inquiry(this.#env, this.#settings, question, ofCheck ?? PROBE, this.#proxied);
    const report = await reportWithin(timeoutMs, inquiry);
    if (report.result === "timeout" && ofCheck?.slot && this.#late < MOST_LATE) {
      // Leave the connection open: once the server answers or closes it, the check's slot can be freed.
      return { report, late: this.#lateReport(inquiry, quarantine.maxMs) };
    }
    inquiry.close();
    return { report, late: null };
  }

  /** Asks for servers. Resolves with what came of it, in words. Never rejects. */
  async #wake({ queued, oldestWaitMs, at }: WakeQuestion): Promise<string> {
    const { wake, name: pool } = this.#settings;
    if (wake === null) return "not configured";
    const signal = AbortSignal.timeout(WAKE_TIMEOUT_MS);
    try {
      const headers = new Headers({ "User-Agent": "Sluice", "Content-Type": "application/json" });
      for (const [header, value] of withSecrets(this.#env, wake.headers)) headers.set(header, value);
      const body = JSON.stringify({ pool, queued, oldestWaitMs, at: new Date(at).toISOString() });
      const response = await fetch(wake.url, { method: "POST", body, headers, signal, redirect: "manual" });
      await response.body?.cancel();
      return `status ${response.status}`;
    } catch (error) {
      if (error instanceof NoSecret) return "no secret for its headers";
      return signal.aborted ? `timeout after ${WAKE_TIMEOUT_MS / 1_000} s` : "no connection";
    }
  }

  async #lateReport(inquiry: Inquiry, forMs: number): Promise<CheckReport> {
    this.#late++;
    try {
      return await reportWithin(forMs, inquiry);
    } finally {
      inquiry.close();
      this.#late--;
    }
  }
}

function reportWithin(ms: number, inquiry: Inquiry): Promise<CheckReport> {
  return inTime(inquiry.report, ms).catch(() => inquiry.unfinished(ms));
}
