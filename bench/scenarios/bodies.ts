import { run } from "../load/load.ts";
import { cpuSeconds } from "../measure/process-use.ts";
import { median, ratios } from "../measure/statistics.ts";
import { Rows } from "../rows.ts";
import { ENCODINGS, SIZES } from "../servers/bodies.ts";
import { SUBJECTS, type Subject, type SubjectName } from "../subjects/subject.ts";
import { addTarget, ratioTarget } from "../targets.ts";
import { type Context, type Scenario, sideBySide } from "./scenario.ts";

const CONNECTIONS = 4;
const MOST_CPU_OF_GZIP = 1.1;
const LEAST_OF_DUTIES = { "1 KB": 0.6, "100 KB": 0.7 } as const;

interface Kind {
  label: string;
  path: string;
  seconds: number;
  headers?: Record<string, string>;
  /** All of them, if absent. */
  only?: SubjectName[];
}

const sizes: Kind[] = Object.entries(SIZES).flatMap(([label, size]) =>
  ENCODINGS.map((encoding) => ({
    label: `${label} ${encoding}`,
    path: `/body/${size}/${encoding}`,
    seconds: size > 1_000_000 ? 2 : 1,
  })),
);
/** Other ways in which a Worker could come to see the last byte. */
const ways: Kind[] = [
  { label: "10 MB by the runtime's pipe", relay: "pipe" },
  { label: "10 MB by a tee", relay: "tee" },
].map(({ label, relay }) => ({
  label,
  path: `/body/${SIZES["10 MB"]}/plain`,
  seconds: 2,
  headers: { "X-Relay": relay },
  only: ["pass-through", "bare-lease"],
}));
const kinds = [...sizes, ...ways];

export const bodies: Scenario = {
  name: "bodies",
  about: "4 connections; gzip and plain are the same bytes, the one with its Content-Encoding",
  async run(context) {
    const rows = new Rows(this.name);
    const setting = { context, name: this.name, subjects: SUBJECTS, servers: CONNECTIONS };
    let made = false;
    await sideBySide(setting, async (subject, servers) => {
      // The servers make a body when they are first asked for it.
      for (const { path } of made ? [] : kinds) await (await fetch(servers.urls[0] + path)).bytes();
      made = true;
      for (const kind of kinds) await measure(subject, kind, rows, context);
    });
    for (const [size, least] of Object.entries(LEAST_OF_DUTIES))
      for (const encoding of ENCODINGS)
        ratioTarget(rows.row(`${size} ${encoding}`), "pass-on-duties", { least });
    ratioTarget(rows.row("10 MB plain"), "pass-through", { least: 0.9 });
    ratioTarget(rows.row("10 MB gzip"), "pass-through", { least: 0.9 });
    compareCpu(rows);
    return { rows: rows.all, notes: [] };
  },
};

async function measure(subject: Subject, kind: Kind, rows: Rows, { gear, quick }: Context): Promise<void> {
  const { name, pid } = subject;
  if (kind.only?.includes(name) === false) return;
  const url = subject.url + kind.path;
  const before = pid === null ? 0 : cpuSeconds(pid);
  const seconds = quick ? 1 : kind.seconds;
  const headers = { "Accept-Encoding": "gzip", ...kind.headers };
  const load = await run({ url, connections: CONNECTIONS, seconds, headers }, gear);
  rows.add(kind.label, "MB/s", name, load.bytes / load.seconds / 1e6, "pass-through");
  if (pid === null) return;
  const milliseconds = ((cpuSeconds(pid) - before) / load.requests) * 1e3;
  rows.add(`${kind.label}: CPU a request`, "ms", name, milliseconds, "pass-through");
}

function compareCpu(rows: Rows): void {
  const row = rows.row("10 MB gzip: CPU a request");
  const plain = rows.row("10 MB plain: CPU a request").cells.sluice;
  if (!row.cells.sluice || !plain) throw new Error("Sluice's CPU time was not measured");
  const found = median(ratios(row.cells.sluice, plain));
  const say = (value: number) => `${value.toFixed(2)} of the plain one's`;
  addTarget(row, {
    wanted: `at most ${say(MOST_CPU_OF_GZIP)}`,
    met: found <= MOST_CPU_OF_GZIP,
    found: say(found),
  });
}
