import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { SERVER_STATES, takesRequests } from "../../words/phrases.ts";
import { oneUnit } from "../../words/times.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";

/** The servers of a pool, a row each: its state, its health, and since when. */
export class Servers {
  readonly #list = byId("servers");
  readonly #onlyTroubled = byId("only-troubled") as HTMLInputElement;
  readonly #serverOf = new WeakMap<Element, ServerSnapshot>();

  constructor(onChange: (server: ServerSnapshot) => void, onFilter: () => void) {
    this.#onlyTroubled.addEventListener("change", onFilter);
    this.#list.addEventListener("click", (event) => {
      const button = (event.target as Element).closest("button");
      const server = button?.parentElement && this.#serverOf.get(button.parentElement);
      if (server && button.getAttribute("aria-disabled") !== "true") onChange(server);
    });
  }

  draw(pool: Snapshot, isLive: boolean, now: number): void {
    const servers = this.#onlyTroubled.checked ? pool.servers.filter(isTroubled) : pool.servers;
    byId("no-servers").hidden = servers.length > 0;
    keyed(
      this.#list,
      servers,
      ({ name }) => name,
      createRow,
      (row, server) => {
        this.#serverOf.set(row, server);
        const [name, state, health, load, button] = row.children;
        setText(name?.lastChild, addressWords(server));
        drawWords(state, SERVER_STATES[server.state], since(server.stateSince, now));
        setAttributes(state, { "data-mark": server.state === "ready" ? "good" : "warn" });
        drawWords(health, server.health, healthWords(server, now));
        setAttributes(health, { "data-mark": HEALTH_MARKS[server.health] });
        drawWords(load, `${server.inFlight} of ${server.slots} in flight`, quarantineWords(server));
        setAttributes(button, { "aria-disabled": isLive ? null : "true" });
      },
    );
  }
}

const HEALTH_MARKS = { up: "good", down: "bad", unchecked: "plain" };

function createRow({ name }: ServerSnapshot): HTMLLIElement {
  const button = make("button", "act", "Change…");
  button.setAttribute("aria-label", `Change… ${name}`);
  button.type = "button";
  return make(
    "li",
    "server",
    make("p", "name", make("b", "", name), " ", make("span", "note")),
    makeWords("mark state-of"),
    makeWords("mark health"),
    makeWords("load"),
    button,
  );
}

/** What is said first, and what may be said besides. */
function makeWords(className: string): HTMLElement {
  return make("p", className, make("span"), make("span", "note"));
}

function drawWords(cell: Element | undefined, words: string, note: string): void {
  setText(cell?.firstChild, words);
  setText(cell?.lastChild, note);
}

function isTroubled(server: ServerSnapshot): boolean {
  return !takesRequests(server) || server.quarantined > 0;
}

function addressWords({ url, weight, backup }: ServerSnapshot): string {
  return [url, ...(weight === 1 ? [] : [`weight ${weight}`]), ...(backup ? ["backup"] : [])].join(" · ");
}

function healthWords({ health, healthSince, lastCheck }: ServerSnapshot, now: number): string {
  const checked = health === "down" && lastCheck;
  return (
    since(healthSince, now) + (checked ? `, checked ${oneUnit(now - Date.parse(lastCheck.at))} ago` : "")
  );
}

function quarantineWords({ quarantined }: ServerSnapshot): string {
  return quarantined === 0 ? "" : `, ${quarantined} quarantined`;
}

function since(instant: string | null, now: number): string {
  return instant === null ? "" : ` for ${oneUnit(now - Date.parse(instant))}`;
}
