import { run } from "../load/load.ts";
import type { Gear } from "../measure/gear.ts";
import type { Row } from "../rows.ts";
import { Servers } from "../servers/servers.ts";
import { type StartOptions, startSubjects } from "../subjects/start.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";

export interface Context {
  gear: Gear;
  rounds: number;
  /** For a look whether all works: short, no warm-up, and smaller where size takes time. */
  quick: boolean;
  /** Says what is going on. */
  progress: (what: string) => void;
}

export interface Outcome {
  rows: Row[];
  /** What a reader of the rows has to know. */
  notes: string[];
}

export interface Scenario {
  readonly name: string;
  /** One line for the head of its rows. */
  readonly about: string;
  run(context: Context): Promise<Outcome>;
}

export interface Setting extends StartOptions {
  context: Context;
  /** For the progress line. */
  name: string;
  subjects: readonly SubjectName[];
  servers: number;
  rounds?: number;
}

const WARM_UP_SECONDS = 2;

/** All subjects before the same servers, measured in turn, round after round: A B C, A B C … */
export async function sideBySide(
  setting: Setting,
  measure: (subject: Subject, servers: Servers) => Promise<void>,
): Promise<void> {
  const { context, name, rounds = context.rounds } = setting;
  const servers = await Servers.start(setting.servers);
  const subjects = await startSubjects(setting.subjects, servers, context.gear, setting);
  for (const subject of subjects) await warmUp(subject, context);
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) {
      context.progress(`${name}, round ${round} of ${rounds}: ${subject.name}`);
      await measure(subject, servers);
    }
  }
  for (const subject of subjects) await subject.stop();
  await servers.stop();
}

/** Until its code is compiled, a Worker is slower than it will ever be again. */
export async function warmUp({ urls }: Pick<Subject, "urls">, { gear, quick }: Context): Promise<void> {
  if (quick) return;
  const connections = 40 / urls.length;
  await Promise.all(urls.map((url) => run({ url: `${url}/`, connections, seconds: WARM_UP_SECONDS }, gear)));
}
