import { nearest } from "../../config/did-you-mean.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable, quoted } from "../terminal/output.ts";

/** How many names are listed. */
const MOST = 20;

/** There is no pool, or no server of the pool, of the name that the user has given. */
export class UnknownName extends CliError {
  /** Whose server it would be; `null`: it is the name of a pool. */
  readonly pool: string | null;
  /** True if only a server was meant that has registered. */
  readonly isRegistered: boolean;
  readonly #sentence: string;
  readonly #given: string;

  constructor(pool: string | null, given: string, isRegistered = false) {
    const sentence =
      pool === null
        ? `There is no pool ${quoted(given)}`
        : `${printable(pool)} has no ${isRegistered ? "registered " : ""}server ${quoted(given)}`;
    super(EXIT.usage, `${sentence}.`);
    this.pool = pool;
    this.isRegistered = isRegistered;
    this.#sentence = sentence;
    this.#given = given;
  }

  /** The same error, which also says what names there are. */
  among(names: readonly string[]): CliError {
    if (names.length === 0) return this;
    const more = names.length > MOST ? ` and ${names.length - MOST} more` : "";
    const only = `, only ${names.slice(0, MOST).map(printable).join(", ")}${more}.`;
    const meant = nearest(
      this.#given,
      names.filter((name) => !isSibling(name, this.#given)),
    );
    return new CliError(
      EXIT.usage,
      `${this.#sentence}${only}${meant ? ` Did you mean ${quoted(meant)}?` : ""}`,
    );
  }
}

/** web-3 is not a mistyped web-2: they have all but their numbers in common. */
function isSibling(one: string, other: string): boolean {
  const [words, digits] = [/\d+/g, /\D+/g].map((others) =>
    [one, other].map((name) => name.replace(others, "")),
  );
  return words?.[0] === words?.[1] && digits?.[0] !== digits?.[1];
}
