/** The settings that Sluice needs from Cloudflare, as in the repository's own wrangler.toml. */
import { inspect } from "../../config/problem.ts";
import { poolVariables } from "../../config/variables.ts";
import type { Target } from "./target.ts";
import { listOf, tableOf } from "./tree.ts";

const EARLIEST_DATE = "2026-11-17";
const LITERAL_URLS = "fetch_legacy_url";

/** A Durable Object of Sluice's: its class, and the binding by which the code finds it. */
interface ObjectKind {
  binding: string;
  className: string;
  /** What does not work without it. */
  need: string;
}

const POOL = { binding: "POOL", className: "Pool", need: "which every request needs" };
export const DEFERRED = {
  binding: "DEFERRED",
  className: "Deferred",
  need: "in which `deferred` stores requests",
};

export function checkPlatform(target: Target): void {
  checkDate(target);
  checkFlags(target);
  const hasPool = checkBinding(target, POOL);
  if (hasPool) checkCodeUpdate(target);
  checkStorage(target, POOL);
  checkDeferred(target, hasPool);
  checkLog(target);
}

/** Needed by pools with `deferred` only. */
function checkDeferred(target: Target, hasPool: boolean): void {
  const vars = tableOf(target.own("vars"));
  const pools = poolVariables(vars).flatMap((variable) => Object.values(tableOf(vars[variable])));
  const isNeeded = pools.some((pool) => tableOf(pool).deferred !== undefined);
  if (isNeeded || hasBinding(target, DEFERRED)) {
    checkBinding(target, DEFERRED);
    checkStorage(target, DEFERRED);
  } else if (hasPool) {
    target.note(
      BINDINGS,
      "no binding DEFERRED of class Deferred: until there is one, no pool can have `deferred`",
    );
  }
}

function checkDate(target: Target): void {
  const date = target.inherited("compatibility_date");
  if (typeof date === "string" && /^\d{4}-\d\d-\d\d$/.test(date) && date >= EARLIEST_DATE) return;
  const verdict = date === undefined ? "missing" : `${inspect(date)} is no date from ${EARLIEST_DATE} on`;
  target.errorInherited(
    "compatibility_date",
    [],
    `${verdict}: the Worker would not be told that a client has left; allowed: "${EARLIEST_DATE}" or later`,
  );
}

function checkFlags(target: Target): void {
  if (listOf(target.inherited("compatibility_flags")).includes(LITERAL_URLS)) return;
  target.warnInherited(
    "compatibility_flags",
    [],
    `without ${inspect(LITERAL_URLS)} Cloudflare percent-encodes characters like \`'\` and \`{\` in what servers are ` +
      "asked for: a signature over the URL breaks",
  );
}

export const BINDINGS = ["durable_objects", "bindings"];

function bindingsOf(target: Target): Record<string, unknown>[] {
  return listOf(target.own(...BINDINGS)).map(tableOf);
}

export function hasBinding(target: Target, { binding }: ObjectKind): boolean {
  return bindingsOf(target).some(({ name }) => name === binding);
}

/** Returns whether the binding exists. */
function checkBinding(target: Target, { binding, className, need }: ObjectKind): boolean {
  const bindings = bindingsOf(target);
  const index = bindings.findIndex(({ name }) => name === binding);
  const given = bindings[index]?.class_name;
  if (index < 0) {
    const alone = target.environment === null ? "" : " (environments do not inherit bindings)";
    target.error(BINDINGS, `no binding ${binding} of class ${className}, ${need}${alone}`);
  } else if (given !== className) {
    const path = [...BINDINGS, index, "class_name"];
    target.error(path, `${inspect(given)} is not Sluice's class; allowed: "${className}"`);
  }
  return index >= 0;
}

function checkCodeUpdate(target: Target): void {
  const path = ["durable_objects", "code_update_strategy", "mode"];
  const mode = target.own(...path);
  if (mode === "immediate") return;
  target.warn(
    path,
    `${mode === undefined ? "missing" : `is ${inspect(mode)}`}: after a deploy a busy pool may go on with its old ` +
      'configuration for minutes (without any strategy up to five); set mode = "immediate", which Sluice survives',
  );
}

function checkStorage(target: Target, { className }: ObjectKind): void {
  const declared = tableOf(target.inherited("exports", className));
  if (declared.storage === "sqlite") return;
  const migrations = listOf(target.inherited("migrations")).map(tableOf);
  if (migrations.some((migration) => creates(migration, className))) return;
  const old = migrations.findIndex(({ new_classes }) => listOf(new_classes).includes(className));
  if (old >= 0) {
    const path = [old, "new_classes"];
    const advice = "name it in new_sqlite_classes instead";
    target.errorInherited("migrations", path, `${className} needs SQLite; ${advice}`);
  } else {
    const ask = `add one with a tag of its own and new_sqlite_classes = ["${className}"]`;
    target.errorInherited("migrations", [], `no migration creates the class ${className}; ${ask}`);
  }
}

function creates(
  { new_sqlite_classes, renamed_classes, transferred_classes }: Record<string, unknown>,
  className: string,
): boolean {
  const moved = [...listOf(renamed_classes), ...listOf(transferred_classes)].map(tableOf);
  return listOf(new_sqlite_classes).includes(className) || moved.some(({ to }) => to === className);
}

function checkLog(target: Target): void {
  const { enabled, logs } = tableOf(target.inherited("observability"));
  if (enabled === true || tableOf(logs).enabled === true) return;
  target.warnInherited(
    "observability",
    [],
    "is off: the line that Sluice logs for each request, and what is wrong with a configuration, is not kept; " +
      "set enabled = true",
  );
}
