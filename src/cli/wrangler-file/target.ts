import type { Report } from "./report.ts";
import { find, type Node, type Path, valueAt } from "./tree.ts";

/** A part of the file that wrangler can deploy: the top level or an environment. */
export class Target {
  readonly environment: string | null;
  readonly #root: Node;
  readonly #report: Report;
  readonly #base: Path;

  constructor(root: Node, report: Report, environment: string | null) {
    this.environment = environment;
    this.#root = root;
    this.#report = report;
    this.#base = environment === null ? [] : ["env", environment];
  }

  /** The value at this level. Environments do not inherit `vars` and bindings. */
  own(...path: Path): unknown {
    return valueAt(this.#root, [...this.#base, ...path]);
  }

  /** The effective value: an environment inherits most keys of the top level that it does not set. */
  inherited(key: string, ...path: Path): unknown {
    return valueAt(this.#root, [...this.#pathOf(key), ...path]);
  }

  error(path: Path, message: string): void {
    this.#report.add("error", [...this.#base, ...path], message, this.environment);
  }

  warn(path: Path, message: string): void {
    this.#report.add("warning", [...this.#base, ...path], message, this.environment);
  }

  note(path: Path, message: string): void {
    this.#report.add("note", [...this.#base, ...path], message, this.environment);
  }

  errorInherited(key: string, path: Path, message: string): void {
    this.#report.add("error", [...this.#pathOf(key), ...path], message, this.environment);
  }

  warnInherited(key: string, path: Path, message: string): void {
    this.#report.add("warning", [...this.#pathOf(key), ...path], message, this.environment);
  }

  #pathOf(key: string): Path {
    const own = [...this.#base, key];
    // wrangler uses `??`, so that null is inherited too.
    return (valueAt(this.#root, own) ?? null) === null ? [key] : own;
  }
}

/** The top level first. */
export function targetsOf(root: Node, report: Report): Target[] {
  const environments = find(root, ["env"]);
  const names = environments?.kind === "table" ? [...environments.entries] : [];
  return [
    new Target(root, report, null),
    ...names.filter(([, env]) => env.kind === "table").map(([name]) => new Target(root, report, name)),
  ];
}
