import { Problem } from "./api.ts";
import { button, byId, make, setText } from "./dom.ts";
import { showOutcome } from "./notices.ts";

/** A confirmation before an act. */
export interface Question {
  title: string;
  body: (Node | string)[];
  /** The label of the button that confirms. */
  confirm: string;
  /** The label of the button that does not, if “Cancel” could be misunderstood. */
  dismiss?: string;
  /** Does the act. Resolves with a sentence about its result, and rejects with a `Problem`. */
  run: () => Promise<string>;
  /** The button's label after a refusal. */
  again?: (problem: Problem) => string;
}

let question: Question | null = null;

export function ask(next: Question): void {
  question = next;
  setText(byId("dialog-title"), next.title);
  byId("dialog-body").replaceChildren(...next.body);
  setText(byId("dialog-problem"), "");
  setText(byId("dialog-confirm"), next.confirm);
  setText(byId("dialog-cancel"), next.dismiss ?? "Cancel");
  setBusy(false);
  dialog().showModal();
}

export function startDialog(): void {
  byId("dialog-cancel").addEventListener("click", () => dialog().close());
  dialog().addEventListener("close", () => {
    // The event follows the act, and by then the next question may be open.
    if (dialog().open) return;
    question = null;
    // The button that opened the dialog may be gone, and the focus with it.
    if (document.activeElement === document.body) byId("main").focus();
  });
  byId("dialog-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (question && !button("dialog-confirm").disabled) run(question);
  });
}

async function run(running: Question): Promise<void> {
  setBusy(true);
  setText(byId("dialog-problem"), "");
  try {
    showOutcome(await running.run());
    // Unless it was closed meanwhile, or another question is open.
    if (question === running) dialog().close();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (question !== running) {
      showOutcome(`“${running.title}” failed. ${error.message}`);
      return;
    }
    setText(byId("dialog-problem"), error.message);
    setText(byId("dialog-confirm"), running.again?.(error) ?? running.confirm);
  } finally {
    if (question === running || question === null) setBusy(false);
    // Done or refused: it is in the audit.
    document.dispatchEvent(new Event("acted"));
  }
}

function setBusy(isBusy: boolean): void {
  button("dialog-confirm").disabled = isBusy;
}

function dialog(): HTMLDialogElement {
  return byId("dialog") as HTMLDialogElement;
}

let fields = 0;

/** `value`: the text at the beginning. */
export function textField(name: string, hint: string, value = "") {
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
  return { node: make("div", "field", label, input, help), input, value: () => input.value.trim() };
}

/** Radio buttons. */
export function choice<Value extends string>(
  legend: string,
  options: readonly { value: Value; name: string; hint: string }[],
  current: Value,
) {
  const group = `field-${++fields}`;
  let chosen = current;
  const labels = options.map(({ value, name, hint }) => {
    const input = make("input");
    input.type = "radio";
    input.name = group;
    input.checked = value === current;
    input.addEventListener("change", () => {
      chosen = value;
    });
    const now = value === current ? " (as it is now)" : "";
    return make(
      "label",
      "choice",
      input,
      make("span", "", make("b", "", name + now), make("span", "note", hint)),
    );
  });
  return {
    node: make("fieldset", "field", make("legend", "", legend), ...labels),
    value: () => chosen,
  };
}
