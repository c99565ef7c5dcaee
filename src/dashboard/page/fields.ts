import { LONGEST_MS, parseDuration } from "../../config/units.ts";
import { oneUnit } from "../../words/times.ts";
import { make, setAttributes, setText } from "./dom.ts";

/** An input of a dialog, with its name above and a hint below, in whose place stands what is wrong with it. */
export interface Field {
  node: HTMLElement;
  input: HTMLInputElement;
  /** The key of the API's body that it fills. */
  key: string;
  /** Without the blanks around it. */
  value(): string;
  /** Returns false, and says what is wrong, if the text cannot be right. */
  check(): boolean;
  /** Says what is wrong with it, until the text changes. */
  refuse(words: string): void;
}

interface FieldOptions {
  key: string;
  name: string;
  hint: string;
  /** The text at the beginning. */
  value?: string;
  /** Says what is wrong with a text; `null`: nothing. */
  problem?: (text: string) => string | null;
}

let fields = 0;

export function textField({ key, name, hint, value = "", problem }: FieldOptions): Field {
  const id = `field-${++fields}`;
  const input = make("input");
  input.id = id;
  input.value = value;
  input.autocomplete = "off";
  input.maxLength = 200;
  const label = make("label", "", name);
  label.htmlFor = id;
  const help = make("p", "note", hint);
  help.id = `${id}-hint`;
  input.setAttribute("aria-describedby", help.id);
  const say = (wrong: string | null) => {
    setText(help, wrong ?? hint);
    help.classList.toggle("wrong", wrong !== null);
    setAttributes(input, { "aria-invalid": wrong === null ? null : "true" });
  };
  input.addEventListener("input", () => say(null));
  const text = () => input.value.trim();
  return {
    node: make("div", "field", label, input, help),
    input,
    key,
    value: text,
    check: () => {
      const wrong = problem?.(text()) ?? null;
      say(wrong);
      return wrong === null;
    },
    refuse: say,
  };
}

/** After how long what is still in flight is cut off. */
export function cutField(hint = "", problem: (text: string) => string | null = () => null): Field {
  return textField({
    key: "cut",
    name: "Cut off what is still running after",
    hint: `For example 30s. Empty: it may take as long as it needs.${hint}`,
    problem: (text) => (text === "" ? null : (problem(text) ?? cutProblem(text))),
  });
}

/** What is wrong with the time of a cut, of which 0 is one; `null`: nothing. */
export function cutProblem(text: string): string | null {
  return parseDuration(text) === undefined ? `“${text}” is no time. Write it like 30s or 2m.` : null;
}

/** What is wrong with a text as a duration of at most `mostMs`; `null`: nothing. */
export function durationProblem(text: string, mostMs = LONGEST_MS): string | null {
  const ms = parseDuration(text, Number.POSITIVE_INFINITY);
  if (text === "") return "Say how long, for example 15m or 2h.";
  if (!ms) return `“${text}” is no time. Write it like 15m or 2h.`;
  return ms <= mostMs ? null : `“${text}” is too long: a drain ends at most ${oneUnit(LONGEST_MS)} from now.`;
}

/** Radio buttons. `onChange`: called with each choice. */
export function choice<Value extends string>(
  legend: string,
  options: readonly { value: Value; name: string; hint: string }[],
  current: Value,
  onChange: (value: Value) => void,
) {
  const group = `field-${++fields}`;
  let chosen = current;
  const inputs = options.map(({ value }) => {
    const input = make("input");
    input.type = "radio";
    input.name = group;
    input.checked = value === current;
    input.addEventListener("change", () => {
      chosen = value;
      onChange(value);
    });
    return input;
  });
  const labels = options.map(({ value, name, hint }, index) => {
    const now = value === current ? " (as it is now)" : "";
    const words = make("span", "", make("b", "", name + now), make("span", "note", hint));
    return make("label", "choice", inputs[index] as HTMLInputElement, words);
  });
  return {
    node: make("fieldset", "field", make("legend", "", legend), ...labels),
    /** The one that is chosen at the beginning. */
    checked: inputs.find((input) => input.checked),
    value: () => chosen,
  };
}
