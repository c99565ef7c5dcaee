export const SUBJECTS = [
  "direct",
  "pass-through",
  "bare-lease",
  "through-object",
  "sluice",
  "haproxy",
] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export const TITLES: Record<SubjectName, string> = {
  direct: "server itself",
  "pass-through": "pass-through Worker",
  "bare-lease": "bare lease",
  "through-object": "through an object",
  sluice: "Sluice",
  haproxy: "HAProxy",
};

/** Something that answers HTTP, to be measured. */
export interface Subject {
  readonly name: SubjectName;
  readonly url: string;
  /** Of the process that stands between clients and servers. */
  readonly pid: number | null;
  stop(): Promise<void>;
}
