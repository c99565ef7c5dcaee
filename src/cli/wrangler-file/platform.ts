/** The settings that Sluice needs from Cloudflare, as in the repository's own wrangler.toml. */
import { inspect } from "../../config/problem.ts";
import type { Target } from "./target.ts";
import { listOf, tableOf } from "./tree.ts";

const EARLIEST_DATE = "2026-11-17";
const LITERAL_URLS = "fetch_legacy_url";

export function checkPlatform(target: Target): void {
  checkDate(target);
  checkFlags(target);
  if (checkBinding(target)) checkCodeUpdate(target);
  checkStorage(target);
  checkLog(target);
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

/** Returns whether the binding exists. */
function checkBinding(target: Target): boolean {
  const path = ["durable_objects", "bindings"];
  const bindings = listOf(target.own(...path)).map(tableOf);
  const index = bindings.findIndex(({ name }) => name === "POOL");
  const given = bindings[index]?.class_name;
  if (index < 0) {
    const alone = target.environment === null ? "" : " (environments do not inherit bindings)";
    target.error(path, `no binding POOL of class Pool, which every request needs${alone}`);
  } else if (given !== "Pool") {
    target.error([...path, index, "class_name"], `${inspect(given)} is not Sluice's class; allowed: "Pool"`);
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

function checkStorage(target: Target): void {
  const declared = tableOf(target.inherited("exports", "Pool"));
  if (declared.storage === "sqlite") return;
  const migrations = listOf(target.inherited("migrations")).map(tableOf);
  if (migrations.some(makesPool)) return;
  const old = migrations.findIndex(({ new_classes }) => listOf(new_classes).includes("Pool"));
  if (old >= 0) {
    const path = [old, "new_classes"];
    target.errorInherited("migrations", path, "Pool needs SQLite; name it in new_sqlite_classes instead");
  } else {
    const ask = 'add one with a tag and new_sqlite_classes = ["Pool"]';
    target.errorInherited("migrations", [], `no migration creates the class Pool; ${ask}`);
  }
}

function makesPool({ new_sqlite_classes, renamed_classes, transferred_classes }: Record<string, unknown>) {
  const moved = [...listOf(renamed_classes), ...listOf(transferred_classes)].map(tableOf);
  return listOf(new_sqlite_classes).includes("Pool") || moved.some(({ to }) => to === "Pool");
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
