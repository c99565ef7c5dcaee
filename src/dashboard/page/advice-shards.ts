import { listed } from "../../words/phrases.ts";
import { lostShards, shardsNamed } from "../../words/shards.ts";
import type { Advice, Facts, Symptoms } from "./advice-causes.ts";
import { beginning, meanwhile, sentences } from "./advice-words.ts";

/** Some of the objects that the pool is do not answer. */
export function onLostShards({ pool, now }: Facts, symptoms: Symptoms): Advice {
  const lost = lostShards(pool);
  const [it, is, its] = lost.length === 1 ? ["it", "is", "its"] : ["they", "are", "their"];
  const theirs = pool.servers.filter(({ shard }) => shard !== undefined && lost.includes(shard));
  const names = theirs.map(({ name }) => name);
  const text = sentences(
    `${beginning(shardsNamed(lost))} cannot be reached; ${its} figures are from before`,
    names.length > 0 && `${listed(names)} get${names.length === 1 ? "s" : ""} no requests meanwhile`,
    pool.drain && `The pool counts as ${pool.drain.stop ? "stopped" : "drained"} only once ${it} ${is} back`,
    meanwhile(symptoms, now),
    "Sluice tries again by itself. The Worker’s log may say why",
  );
  return { cause: "lost-shards", weight: "bad", text };
}
