import type {
  IsolateReport,
  PlacesReport,
  RateReport,
  ServerReport,
  TimesReport,
} from "../../rehearsal/messages.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";
import { reasonOf, said, send } from "./http.ts";
import { Servers } from "./servers.ts";
import { SERVERS_AT_ONCE } from "./stage.ts";

/** The measuring routes of a rehearsal's Worker. Every call rejects with a `CliError`. */
export class Probe {
  readonly #url: string;
  readonly headers: { Authorization: string };

  constructor(url: string, token: string) {
    this.#url = `${url}/_sluice/rehearsal`;
    this.headers = { Authorization: `Bearer ${token}` };
  }

  isolate(): Promise<IsolateReport> {
    return this.#get("/isolate");
  }

  async servers(): Promise<Servers> {
    const reports: ServerReport[] = [];
    for (;;) {
      const some = await this.#get<ServerReport[]>(`/servers?from=${reports.length}`);
      reports.push(...some);
      if (some.length < SERVERS_AT_ONCE) return new Servers(reports);
    }
  }

  times(): Promise<TimesReport> {
    return this.#get("/times");
  }

  rate(): Promise<RateReport> {
    return this.#get("/rate");
  }

  places(): Promise<PlacesReport> {
    return this.#get("/places");
  }

  /** The address of a server without Sluice in front of it. */
  directUrl(server: string): string {
    return `${this.#url}/direct/${server}`;
  }

  async #get<T>(path: string): Promise<T> {
    const url = this.#url + path;
    const answer = await send(url, { headers: this.headers }).catch((error: Error) => {
      throw new CliError(EXIT.unreachable, `${url} cannot be reached: ${printable(reasonOf(error))}`);
    });
    if (answer.status === 401)
      throw new CliError(EXIT.unauthorised, "The token is not the rehearsal's: check SLUICE_TOKEN.");
    if (answer.status === 200 && `${answer.headers["content-type"]}`.startsWith("application/json"))
      return JSON.parse(answer.body.toString()) as T;
    throw new CliError(
      EXIT.unexpected,
      `${url} answered "${printable(said(answer))}": no Worker of \`sluice rehearse\` is there.`,
    );
  }
}
