import type { Me } from "../../admin/operator.ts";
import { nearest } from "../../config/did-you-mean.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable, quoted } from "../terminal/output.ts";

/** Whose token it is may not do what was asked for. */
export class MissingRight extends CliError {
  readonly right: string;
  /** `null`: it is missing in all pools. */
  readonly #pool: string | null;
  readonly #sentence: string;

  /** `sentence`: who does not have which right, and for which pool; without a full stop. `more`: what else there is to say. */
  constructor(sentence: string, right: string, pool: string | null, more = "") {
    super(EXIT.unauthorised, `${sentence}${more}.`.replace(/\?\.$/, "?"));
    this.#sentence = sentence;
    this.right = right;
    this.#pool = pool;
  }

  /** The same error, which also says what they may do. */
  withRightsOf({ pools }: Pick<Me, "pools">): MissingRight {
    return new MissingRight(this.#sentence, this.right, this.#pool, rightsInWords(pools, this.#pool));
  }
}

function rightsInWords(pools: Me["pools"], pool: string | null): string {
  if (pool !== null && Object.hasOwn(pools, pool)) return `, only ${inWords(pools[pool])}`;
  const others = Object.entries(pools);
  if (others.length === 0) return ", nor any other";
  const all = others.map(([name, rights]) => `${inWords(rights)} for ${printable(name)}`);
  const meant = pool === null ? undefined : nearest(pool, Object.keys(pools));
  return `, only ${all.join("; ")}${meant === undefined ? "" : `. Did you mean ${quoted(meant)}?`}`;
}

function inWords(rights: readonly string[] = []): string {
  return rights.map(printable).join(", ");
}
