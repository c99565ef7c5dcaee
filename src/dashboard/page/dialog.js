import { Problem } from "./api.js";
import { button, byId, make, setText } from "./dom.js";
import { tellOutcome } from "./notices.js";

/**
 * What the operator is asked before anything is done. `run` does it, and says in a sentence what came of it.
 * @typedef {object} Question
 * @property {string} title
 * @property {(Node | string)[]} body
 * @property {string} confirm
 * @property {() => Promise<string>} run
 * @property {(problem: Problem) => string} [again] After a refusal: what trying once more is called.
 */

/** @type {Question | null} */
let asked = null;

/** @param {Question} question */
export function askFirst(question) {
  asked = question;
  setText(byId("dialog-title"), question.title);
  byId("dialog-body").replaceChildren(...question.body);
  setText(byId("dialog-problem"), "");
  setText(byId("dialog-confirm"), question.confirm);
  setBusy(false);
  dialog().showModal();
}

export function startDialog() {
  byId("dialog-cancel").addEventListener("click", () => dialog().close());
  dialog().addEventListener("close", () => {
    // The event comes after the act: the next question may be open by then.
    if (dialog().open) return;
    asked = null;
    // The button that opened it may be gone by now.
    if (document.activeElement === document.body) byId("main").focus();
  });
  byId("dialog-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (asked && !button("dialog-confirm").disabled) act(asked);
  });
}

/** @param {Question} question */
async function act(question) {
  setBusy(true);
  setText(byId("dialog-problem"), "");
  try {
    tellOutcome(await question.run());
    // Closed by hand meanwhile, or another one asked: what came of it was told all the same.
    if (asked === question) dialog().close();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (asked !== question) {
      tellOutcome(`“${question.title}” failed. ${error.message}`);
      return;
    }
    setText(byId("dialog-problem"), error.message);
    setText(byId("dialog-confirm"), question.again?.(error) ?? question.confirm);
  } finally {
    if (asked === question || asked === null) setBusy(false);
  }
}

/** @param {boolean} busy */
function setBusy(busy) {
  button("dialog-confirm").disabled = busy;
}

function dialog() {
  return /** @type {HTMLDialogElement} */ (byId("dialog"));
}

let fields = 0;

/**
 * @param {string} name
 * @param {string} hint
 * @param {string} [value] What it says at first.
 */
export function textField(name, hint, value = "") {
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

/**
 * One of several.
 * @param {string} legend
 * @param {{ value: string, name: string, hint: string }[]} options
 * @param {string} current
 */
export function choice(legend, options, current) {
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
