/** What V8's profiler says of one function; times in µs. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

export interface SelfTime {
  name: string;
  share: number;
}

/** The part of the Chrome DevTools protocol that a CPU profile needs. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result, error } = JSON.parse(String(data));
      if (error) throw new Error(`inspector: ${JSON.stringify(error)}`);
      this.#answers.get(id)?.(result);
      this.#answers.delete(id);
    });
  }

  /** `worker`: which of the isolates of a workerd process. */
  static async connect(url: string, worker: string): Promise<Inspector> {
    const targets = (await (await fetch(`${url}/json`)).json()) as {
      id: string;
      webSocketDebuggerUrl: string;
    }[];
    const target = targets.find(({ id }) => id.endsWith(worker));
    if (!target) throw new Error(`no isolate "${worker}" in ${targets.map(({ id }) => id).join(", ")}`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () =>
        reject(new Error(`no inspector at ${target.webSocketDebuggerUrl}`)),
      );
    });
    return new Inspector(socket);
  }

  async startProfile(): Promise<void> {
    await this.#call("Profiler.enable");
    await this.#call("Profiler.setSamplingInterval", { interval: 200 });
    await this.#call("Profiler.start");
  }

  async stopProfile(): Promise<Profile> {
    const { profile } = (await this.#call("Profiler.stop")) as { profile: Profile };
    return profile;
  }

  close(): void {
    this.#socket.close();
  }

  #call(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

/** Functions by the time spent in themselves, most first. */
export function selfTimes({ nodes, samples, timeDeltas }: Profile): SelfTime[] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, lineNumber } }) => {
      // V8's own, in parentheses, have no line.
      return [
        id,
        lineNumber < 0
          ? functionName || "(anonymous)"
          : `${functionName || "(anonymous)"}, line ${lineNumber + 1}`,
      ];
    }),
  );
  const times = new Map<string, number>();
  let total = 0;
  for (const [n, sample] of samples.entries()) {
    const name = names.get(sample) ?? "?";
    const time = timeDeltas[n] ?? 0;
    times.set(name, (times.get(name) ?? 0) + time);
    total += time;
  }
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((a, b) => b.share - a.share);
}
