export const SUBJECTS = [
  "direct",
  "pass-through",
  "bare-lease",
  "pass-on",
  "pass-on-duties",
  "through-object",
  "sluice",
  "haproxy",
] as const;
/** Another bundle of Sluice is measured only where one is named (`--against`). */
export const COLUMNS = [...SUBJECTS, "other"] as const;
export type SubjectName = (typeof COLUMNS)[number];

export const TITLES: Record<SubjectName, string> = {
  direct: "server itself",
  "pass-through": "pass-through Worker",
  "bare-lease": "bare lease",
  "pass-on": "lease passed on",
  "pass-on-duties": "lease with duties",
  "through-object": "through an object",
  sluice: "Sluice",
  haproxy: "HAProxy",
  other: "other bundle",
};

/** Something that answers HTTP, to be measured. */
export interface Subject {
  readonly name: SubjectName;
  readonly url: string;
  /** One for each of its isolates; the first is `url`. */
  readonly urls: readonly string[];
  /** Of the process that stands between clients and servers. */
  readonly pid: number | null;
  stop(): Promise<void>;
}
