import { vi } from "vitest";
import { ObjectStorage } from "./object-storage.ts";

/**
 * A Durable Object without its platform, so that a test decides about the time, the storage and how long an instance
 * lives; under fake timers.
 */
export abstract class ObjectLife<T extends { alarm(info?: AlarmInvocationInfo): unknown }> {
  readonly storage = new ObjectStorage();
  #instance: T | null = null;

  /** A new instance on the same storage. */
  protected abstract start(): T;

  /** The instance that there is; a new one, where there is none, as for a request to it. */
  get instance(): T {
    this.#instance ??= this.start();
    return this.#instance;
  }

  /** Its memory is gone, its timers with it: after a crash, or because it was evicted. */
  lose(): void {
    this.#instance = null;
    const now = Date.now();
    vi.clearAllTimers();
    // That has put back the clock too (vitest 5.1).
    vi.setSystemTime(now);
  }

  /** So much time passes, and nothing runs: no object, no alarm. */
  outage(ms: number): void {
    this.lose();
    vi.setSystemTime(Date.now() + ms);
  }

  /** So much time passes, and the platform looks after the alarm. */
  async pass(ms: number): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      const step = Math.min(end, Math.max(this.storage.alarm ?? end, Date.now() + 1)) - Date.now();
      await vi.advanceTimersByTimeAsync(step);
      if (this.storage.alarm === null || this.storage.alarm > Date.now()) continue;
      const scheduledTime = this.storage.alarm;
      this.storage.alarm = null;
      void this.instance.alarm({ isRetry: false, retryCount: 0, scheduledTime });
      await vi.advanceTimersByTimeAsync(0);
    }
  }
}
