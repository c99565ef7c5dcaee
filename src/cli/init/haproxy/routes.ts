/** From the rules of frontends, of which the first one that fits counts, to pools, of which the most specific one does. */
import type { Place } from "./conditions.ts";
import { covers } from "./hosts.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

/** Requests for these hosts and paths go to this backend. */
export interface Rule extends Place {
  backend: string;
  line: Line;
}

/** The hosts and the prefixes of each backend that gets requests: it serves each of them with each. */
export interface Routed {
  hosts: string[];
  prefixes: string[];
}

/** `frontends`: the rules of each, in their order. */
export function route(frontends: readonly (readonly Rule[])[], remarks: Remarks): Map<string, Routed> {
  const rules = distinct(
    frontends.flatMap((rules) => mostSpecificFirst(rules, remarks)),
    remarks,
  );
  const backends = [...new Set(rules.map(({ backend }) => backend))];
  const own = backends.map((backend) => ofOnePool(needed(rules, backend), rules));
  const served = own.flatMap(everyPair);
  for (const rule of rules) {
    const elsewhere = goesElsewhere(rule, rules, served);
    if (elsewhere.length === 0) {
      remarks.add(rule.line, "became", `${placeText(rule)} → pool ${rule.backend}`);
      continue;
    }
    const why =
      "a pool serves each of its hosts with each of its prefixes, which would take requests of others";
    remarks.add(
      rule.line,
      "lost",
      `${placeText(rule)} → ${rule.backend}: ${why}; ${elsewhere.join(", ")} gets them`,
    );
  }
  return new Map(backends.map((backend, index) => [backend, routedBy(own[index] ?? [])]));
}

function routedBy(rules: readonly Rule[]): Routed {
  return { hosts: distinctOf(rules, "host"), prefixes: distinctOf(rules, "prefix") };
}

function distinctOf(rules: readonly Rule[], key: keyof Place): string[] {
  return [...new Set(rules.map((rule) => rule[key]))];
}

/**
 * The rules that one pool can have: those with the shortest prefix, as a rule for all requests has it, and those of each
 * longer prefix with which the pool takes nothing from another.
 */
function ofOnePool(own: readonly Rule[], rules: readonly Rule[]): readonly Rule[] {
  const prefixes = distinctOf(own, "prefix").sort((one, other) => one.length - other.length);
  let kept: readonly Rule[] = [];
  for (const prefix of prefixes) {
    const more = [...kept, ...own.filter((rule) => rule.prefix === prefix)];
    if (kept.length === 0 || isHarmless(more, rules)) kept = more;
  }
  return kept;
}

/** True if every request goes where it goes by the rules alone. */
function isHarmless(own: readonly Rule[], rules: readonly Rule[]): boolean {
  const added = everyPair(own).filter((pair) => !own.some((rule) => placeText(rule) === placeText(pair)));
  return added.every((pair) =>
    placesWithin(pair, rules).every(
      // First, so that it wins over a rule of another backend for the same place.
      (place) => winner([pair, ...rules], place)?.backend === winner(rules, place)?.backend,
    ),
  );
}

/** What a pool with all hosts and prefixes of these rules serves. */
function everyPair(own: readonly Rule[]): Rule[] {
  const [first] = own;
  if (first === undefined) return [];
  const { hosts, prefixes } = routedBy(own);
  return hosts.flatMap((host) => prefixes.map((prefix): Rule => ({ ...first, host, prefix })));
}

function placeText({ host, prefix }: Place): string {
  return `${host}${prefix}`;
}

/**
 * Leaves out what an earlier rule takes anyway, and adds what an earlier rule takes from a later, more specific one: of
 * `/api → a` and then `app.example.com → b`, Sluice would give app.example.com/api to b.
 */
function mostSpecificFirst(rules: readonly Rule[], remarks: Remarks): Rule[] {
  const kept: Rule[] = [];
  for (const rule of rules) {
    const earlier = firstFor(rule, kept);
    if (earlier) {
      if (earlier.line !== rule.line) {
        remarks.add(rule.line, "unneeded", `line ${earlier.line.number} takes ${placeText(rule)} before`);
      }
      continue;
    }
    const wider = kept.flatMap((one) => {
      const isWider =
        one.host !== rule.host && covers(one.host, rule.host) && one.prefix.startsWith(rule.prefix);
      const place = { host: rule.host, prefix: one.prefix };
      return isWider && firstFor(place, kept) === one ? [{ ...one, ...place }] : [];
    });
    // Those of its own backend only where what is taken would hide them.
    const others = wider.filter(({ backend }) => backend !== rule.backend);
    const taken = wider.filter((one) => others.some(({ prefix }) => one.prefix.startsWith(prefix)));
    kept.push(...taken, rule);
  }
  return kept;
}

/** The rule that HAProxy would go by for all of the place. */
function firstFor({ host, prefix }: Place, rules: readonly Rule[]): Rule | undefined {
  return rules.find((one) => covers(one.host, host) && prefix.startsWith(one.prefix));
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
    const goesElsewhere = (place: Place) =>
      winner(others, place) === rule && winner(without, place)?.backend !== backend;
    if (!placesWithin(rule, others).some(goesElsewhere)) others = without;
  }
  return others.filter((one) => one.backend === backend);
}

/** Who gets requests of the rule by what pools serve, besides its own. */
function goesElsewhere(rule: Rule, rules: readonly Rule[], served: readonly Rule[]): string[] {
  const own = placesWithin(rule, rules).filter((place) => winner(rules, place) === rule);
  const owners = own.map((place) => winner(served, place)?.backend);
  const others = [...new Set(owners)].filter((owner) => owner !== rule.backend);
  return others.map((owner) => (owner === undefined ? "no pool" : `pool ${owner}`));
}

/** One place for each way in which other rules divide what a rule takes. */
function placesWithin({ host, prefix }: Rule, rules: readonly Rule[]): Place[] {
  const hosts = new Set(rules.map((one) => one.host).filter((other) => covers(host, other)));
  const prefixes = new Set(rules.map((one) => one.prefix).filter((other) => other.startsWith(prefix)));
  return [...hosts].flatMap((one) => [...prefixes].map((other) => ({ host: one, prefix: other })));
}

/** The rule that Sluice would go by: the most specific host, then the longest prefix. */
function winner(rules: readonly Rule[], { host, prefix }: Place): Rule | undefined {
  const fitting = rules.filter((one) => covers(one.host, host) && prefix.startsWith(one.prefix));
  return fitting.reduce<Rule | undefined>((best, one) => {
    if (best === undefined) return one;
    if (one.host !== best.host) return covers(best.host, one.host) ? one : best;
    return one.prefix.length > best.prefix.length ? one : best;
  }, undefined);
}
