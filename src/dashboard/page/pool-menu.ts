import { button, byId, setAttributes, setText } from "./dom.ts";

/** More pools than this are too many for the top of a narrow window. */
const MANY = 4;

/**
 * Where the window is narrow, the style sheet shows of many pools the one in view and those that do not run; the button
 * shows all, until one is chosen.
 */
export function startPoolMenu(): void {
  const all = button("all-pools");
  all.addEventListener("click", () => open(!isOpen()));
  byId("pool-links").addEventListener("click", () => open(false));
  byId("pools").addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !isOpen()) return;
    open(false);
    all.focus();
  });
}

export function drawPoolMenu(count: number): void {
  setText(button("all-pools"), `All ${count} pools`);
  setAttributes(byId("pools"), { "data-many": count > MANY ? "" : null });
}

function isOpen(): boolean {
  return button("all-pools").getAttribute("aria-expanded") === "true";
}

function open(isWanted: boolean): void {
  setAttributes(button("all-pools"), { "aria-expanded": String(isWanted) });
}
