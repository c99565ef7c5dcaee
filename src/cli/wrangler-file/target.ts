import type { Report } from "./report.ts";
import { find, type Node, type Path, valueAt } from "./tree.ts";

/** One thing that wrangler can deploy: what stands at the top level of the file, or an environment of it. */
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

  /** What stands here. Environments do not inherit `vars` and bindings. */
  own(...path: Path): unknown {
    return valueAt(this.#root, [...this.#base, ...path]);
  }

  /** What holds here: of most keys an environment has the top level's, unless it has its own. */
  inherited(key: string, ...path: Path): unknown {
    return valueAt(this.#root, [...this.#placeOf(key), ...path]);
  }

  error(path: Path, message: string): void {
    this.#report.add("error", [...this.#base, ...path], message, this.environment);
  }

  warn(path: Path, message: string): void {
    this.#report.add("warning", [...this.#base, ...path], message, this.environment);
  }

  errorInherited(key: string, path: Path, message: string): void {
    this.#report.add("error", [...this.#placeOf(key), ...path], message, this.environment);
  }

  warnInherited(key: string, path: Path, message: string): void {
    this.#report.add("warning", [...this.#placeOf(key), ...path], message, this.environment);
  }

  #placeOf(key: string): Path {
    const own = [...this.#base, key];
    // wrangler's `??`: null is as good as nothing.
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
