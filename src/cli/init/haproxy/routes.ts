/** From the rules of frontends, of which the first one that fits counts, to pools, of which the most specific one does. */
import { bothPrefixes, covers } from "./hosts.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

/** Requests for these hosts and paths go to this backend. */
export interface Rule {
  host: string;
  prefix: string;
  backend: string;
  line: Line;
}

/** The hosts and the prefix of each backend that gets requests. */
export interface Routed {
  hosts: string[];
  prefix: string;
}

/** `frontends`: the rules of each, in their order. */
export function route(frontends: readonly (readonly Rule[])[], remarks: Remarks): Map<string, Routed> {
  const rules = distinct(
    frontends.flatMap((rules) => mostSpecificFirst(rules, remarks)),
    remarks,
  );
  const routed = new Map<string, Routed>();
  for (const backend of new Set(rules.map((rule) => rule.backend))) {
    const own = needed(rules, backend);
    const prefix = own[0]?.prefix ?? "/";
    const others = own.filter((one) => one.prefix !== prefix);
    for (const rule of others) {
      const why =
        "a pool has one path_prefix, and two pools with the same servers would each count for themselves";
      remarks.add(rule.line, "lost", `${placeText(rule)} → ${backend}: ${why}`);
    }
    for (const rule of rules.filter((one) => one.backend === backend && !others.includes(one))) {
      remarks.add(rule.line, "became", `${placeText(rule)} → pool ${backend}`);
    }
    const kept = own.filter((one) => one.prefix === prefix);
    routed.set(backend, { hosts: [...new Set(kept.map(({ host }) => host))], prefix });
  }
  return routed;
}

function placeText({ host, prefix }: Rule): string {
  return `${host}${prefix}`;
}

/**
 * Leaves out what an earlier rule takes anyway, and adds what an earlier rule takes from a later, more specific one: of
 * `/api → a` and then `app.example.com → b`, Sluice would give app.example.com/api to b.
 */
function mostSpecificFirst(rules: readonly Rule[], remarks: Remarks): Rule[] {
  const kept: Rule[] = [];
  for (const rule of rules) {
    const earlier = kept.find((one) => covers(one.host, rule.host) && rule.prefix.startsWith(one.prefix));
    if (earlier) {
      if (earlier.line !== rule.line) {
        remarks.add(rule.line, "unneeded", `line ${earlier.line.number} takes ${placeText(rule)} before`);
      }
      continue;
    }
    const taken = kept.filter(({ host, prefix, backend }) => {
      const longer = bothPrefixes(prefix, rule.prefix);
      return backend !== rule.backend && host !== rule.host && covers(host, rule.host) && longer === prefix;
    });
    kept.push(...taken.map((one) => ({ ...one, host: rule.host })), rule);
  }
  return kept;
}

/** One rule for each place. Frontends differ by address and port too, which pools do not. */
function distinct(rules: readonly Rule[], remarks: Remarks): Rule[] {
  const owners = new Map<string, Rule>();
  for (const rule of rules) {
    const owner = owners.get(placeText(rule));
    if (owner === undefined) owners.set(placeText(rule), rule);
    else if (owner.backend !== rule.backend) {
      const why = `${placeText(rule)} is that of ${owner.backend} already (line ${owner.line.number})`;
      remarks.add(rule.line, "lost", `${why}; frontends are told apart by port, pools by host and path`);
    } else remarks.add(rule.line, "became", `${placeText(rule)} → pool ${rule.backend}`);
  }
  return [...owners.values()];
}

/** The rules of a backend without which some of its requests would go elsewhere. */
function needed(rules: readonly Rule[], backend: string): Rule[] {
  let others = rules;
  for (const rule of rules.filter((one) => one.backend === backend)) {
    const without = others.filter((one) => one !== rule);
    if (winner(without, rule)?.backend === backend) others = without;
  }
  return others.filter((one) => one.backend === backend);
}

/** The rule that Sluice would go by: the most specific host, then the longest prefix. */
function winner(rules: readonly Rule[], { host, prefix }: Rule): Rule | undefined {
  const fitting = rules.filter((one) => covers(one.host, host) && prefix.startsWith(one.prefix));
  return fitting.reduce<Rule | undefined>((best, one) => {
    if (best === undefined) return one;
    if (one.host !== best.host) return covers(best.host, one.host) ? one : best;
    return one.prefix.length > best.prefix.length ? one : best;
  }, undefined);
}
