/**
 * A held key, or the second click of a double click, presses nothing: what is under it by then is not what was pressed.
 * A dialog may have opened there, or closed over a button that acts at once.
 */
export function guardPresses(): void {
  addEventListener(
    "keydown",
    (event) => {
      const isOnButton = (event.target as Element).closest("button") !== null;
      if (event.repeat && (event.key === "Enter" || (event.key === " " && isOnButton)))
        event.preventDefault();
    },
    true,
  );
  addEventListener(
    "click",
    (event) => {
      if (event.detail < 2 || !(event.target as Element).closest("button")) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}
