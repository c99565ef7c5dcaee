import type { Snapshot } from "../../scheduler/snapshot.ts";
import type { Problem } from "./api.ts";
import { byId, setAttributes, setText } from "./dom.ts";
import type { Field } from "./fields.ts";
import type { Say } from "./notices.ts";
import { type Act, type Performer, problemSentence, waitingWords } from "./perform.ts";

/** What an operator is asked before an act that is not done at once. */
export interface Question {
  title: string;
  body: (Node | string)[];
  /** The label of the button that confirms. */
  confirm: string;
  /** The label of the button that does not, if “Cancel” could be misunderstood. */
  dismiss?: string;
  fields?: Field[];
  /** Gets the focus; by default the first field, or else the button that does nothing. */
  focus?: HTMLElement | undefined;
  /** The act as the fields say. */
  act: () => Act;
  pool: string;
  /** Why there is nothing to ask any more; `null`: there is. */
  moot: Say;
  /** Draws in the body what may change while the dialog is open. */
  draw?: (pool: Snapshot) => void;
}

/** One question at a time. The dialog follows the pool while it is open. */
export class Dialog {
  readonly #dialog = byId("dialog") as HTMLDialogElement;
  readonly #performer: Performer;
  #question: Question | null = null;
  /** The act that is on its way. */
  #sent: { act: Act; at: number } | null = null;
  /** The act that may have arrived: its answer has not. */
  #unanswered: Act | null = null;
  #isMoot = false;
  #opener: Element | null = null;

  constructor(performer: Performer) {
    this.#performer = performer;
    byId("dialog-cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      // The event follows the act, and by then the next question may be open.
      if (this.#dialog.open) return;
      this.#question = null;
      this.#giveFocusBack();
    });
    byId("dialog-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#question && !this.#sent && !this.#isMoot) this.#run(this.#question);
    });
  }

  ask(question: Question, pool: Snapshot): void {
    this.#question = question;
    this.#sent = null;
    this.#unanswered = null;
    // Of two questions in a row, the first one's opener.
    if (!this.#dialog.open) this.#opener = document.activeElement;
    setText(byId("dialog-title"), question.title);
    byId("dialog-body").replaceChildren(...question.body);
    setText(byId("dialog-problem"), "");
    setText(byId("dialog-confirm"), question.confirm);
    setText(byId("dialog-cancel"), question.dismiss ?? "Cancel");
    this.draw(pool);
    this.#dialog.showModal();
    const first = question.focus ?? question.fields?.[0]?.input ?? byId("dialog-cancel");
    first.focus();
    if (first instanceof HTMLInputElement) first.select();
  }

  /** The pool that the open question is about. */
  get pool(): string | undefined {
    return this.#question?.pool;
  }

  /** To be called whenever the page is drawn. `pool`: that of the question. */
  draw(pool: Snapshot | undefined): void {
    const question = this.#question;
    if (!question || !pool) return;
    if (this.#unanswered && this.#unanswered.arrived(pool) !== null) {
      this.#dialog.close();
      return;
    }
    question.draw?.(pool);
    // An act that has arrived before its answer makes its own question moot.
    const moot = this.#sent ? null : question.moot(pool);
    this.#isMoot = moot !== null;
    setText(byId("dialog-wait"), this.#sent ? waitingWords(this.#sent.act, this.#sent.at) : (moot ?? ""));
    // Not `disabled`, which would take the focus away.
    setAttributes(byId("dialog-confirm"), { "aria-disabled": this.#sent || moot !== null ? "true" : null });
  }

  async #run(question: Question): Promise<void> {
    setText(byId("dialog-problem"), "");
    const wrong = question.fields?.filter((field) => !field.check()) ?? [];
    if (wrong.length > 0) {
      wrong[0]?.input.focus();
      return;
    }
    const sent = { act: question.act(), at: Date.now() };
    this.#sent = sent;
    setAttributes(byId("dialog-confirm"), { "aria-disabled": "true" });
    const problem = await this.#performer.perform(sent.act);
    // It was closed meanwhile, and another question may be open.
    if (this.#sent !== sent || this.#question !== question) {
      if (problem) this.#performer.tell(sent.act, problem);
      return;
    }
    this.#sent = null;
    if (!problem) {
      this.#dialog.close();
      return;
    }
    if (problem.isUnanswered) this.#unanswered = sent.act;
    setAttributes(byId("dialog-confirm"), { "aria-disabled": null });
    setText(byId("dialog-wait"), "");
    this.#show(problem, question.fields ?? []);
  }

  /** What a refusal says of a field is shown at the field. */
  #show(problem: Problem, fields: readonly Field[]): void {
    const rest = problem.lines.filter(({ key, text }) => {
      const field = fields.find((one) => one.key === key);
      field?.refuse(`${text}.`);
      return !field;
    });
    fields.find(({ input }) => input.getAttribute("aria-invalid"))?.input.focus();
    const isAllAtFields = problem.lines.length > 0 && rest.length === 0;
    setText(byId("dialog-problem"), isAllAtFields ? "" : problemSentence(problem));
  }

  /** The element that opened the dialog may be gone, and the focus with it. */
  #giveFocusBack(): void {
    const isThere = this.#opener?.checkVisibility({ checkVisibilityCSS: true }) ?? false;
    const target = isThere ? (this.#opener as HTMLElement) : byId("pool-title");
    target.focus();
  }
}
