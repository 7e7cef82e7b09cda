/** The modal on top of this person's stack. What is typed stays where block_id and action_id stay. */

import { drawBlocks } from "./blocks.js";
import { overlay } from "./dialog.js";
import { h, icon, part } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { inTurn } from "./telling.js";

const NO_ANSWER = "We had some trouble connecting. Try again?";

/** Draws and redraws modals: `draw(views)` after every change of state. `say(verb, body)` tells the app. */
export class Modals {
  constructor({ say, names, redraw }) {
    this.say = say;
    this.redraw = redraw;
    this.names = names;
    this.typed = new Map(); // view id -> Map of "block/action" -> words or chosen values
    this.shown = null; // {id, mark, box, close}
    this.busy = new Set(); // view ids: the app has not answered what was done with them
    this.error = null;
  }

  draw(views) {
    const view = views.at(-1);
    for (const id of this.typed.keys()) if (!views.some((each) => each.id === id)) this.typed.delete(id);
    if (!view) return this.#hide();
    const mark = JSON.stringify([
      view.blocks,
      view.errors,
      view.title,
      view.submit,
      view.close,
      views.length,
      this.busy.has(view.id),
      this.error,
    ]);
    if (this.shown?.id === view.id && this.shown.mark === mark) return;
    if (!this.typed.has(view.id)) this.typed.set(view.id, new Map());
    const body = this.#body(view, views.length);
    if (this.shown) this.#swap(body, view.id !== this.shown.id);
    else {
      const box = h("form", { class: "modal", novalidate: true }, ...body);
      box.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#submit();
      });
      this.shown = { box, close: overlay(box, () => this.#close(), { labelledBy: "modal-title" }) };
      this.#focusFirst();
    }
    Object.assign(this.shown, { id: view.id, mark, view });
  }

  #hide() {
    this.shown?.close();
    this.shown = null;
    this.error = null;
  }

  #body(view, depth) {
    const ctx = {
      surface: "modal",
      names: this.names(),
      values: view.values,
      errors: view.errors,
      typed: this.typed.get(view.id),
      place: { key: view.id },
      say: this.say,
      saw: (_, seen) => {
        this.error = seen.error ?? null;
        this.redraw();
      },
    };
    const back = depth > 1;
    return [
      h(
        "header",
        { class: "modal-head" },
        back
          ? h(
              "button",
              { type: "button", class: "icon-button", "aria-label": "Back", onclick: () => this.#close() },
              icon("back"),
            )
          : null,
        h("img", { class: "modal-app", src: "/demo/static/signoff.svg", alt: "" }),
        h("h2", { id: "modal-title" }, plain(view.title)),
        h(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": "Close",
            dataset: { focus: "x" },
            onclick: () => this.#close(),
          },
          icon("close"),
        ),
      ),
      h(
        "div",
        { class: "modal-body", tabindex: -1 },
        this.error ? h("div", { class: "modal-error", role: "alert" }, icon("alert"), this.error) : null,
        ...drawBlocks(view.blocks, ctx),
      ),
      h(
        "footer",
        { class: "modal-foot" },
        h(
          "button",
          {
            type: "button",
            class: "button",
            dataset: { focus: "cancel", modal: "close" },
            onclick: () => this.#close(),
          },
          view.close ? plain(view.close) : view.submit ? "Cancel" : "Close",
        ),
        view.submit
          ? h(
              "button",
              {
                type: "submit",
                class: "button primary",
                dataset: { focus: "submit", modal: "submit" },
                "aria-busy": this.busy.has(view.id) ? "true" : null,
              },
              plain(view.submit),
            )
          : null,
      ),
    ];
  }

  /** Put new content into the open box: scroll, focus and the caret stay if the field is still there. */
  #swap(body, other) {
    const box = this.shown.box;
    const at = box.contains(document.activeElement) ? document.activeElement : null;
    const caret = at && "selectionStart" in at ? [at.selectionStart, at.selectionEnd] : null;
    const scrolled = box.querySelector(".modal-body")?.scrollTop ?? 0;
    box.replaceChildren(...body);
    if (other) return this.#focusFirst();
    box.querySelector(".modal-body").scrollTop = scrolled;
    const invalid = box.querySelector("[aria-invalid=true]");
    const same = part(box, "focus", at?.dataset.focus);
    const target = invalid ?? same ?? box;
    target.focus({ preventScroll: !invalid });
    if (target === same && caret?.[0] !== null && caret)
      try {
        same.setSelectionRange(...caret);
      } catch {
        /* not a text field */
      }
  }

  #focusFirst() {
    const box = this.shown.box;
    const first =
      box.querySelector('[data-autofocus="1"]') ?? box.querySelector(".modal-body :is(input, textarea, select)");
    (first ?? box).focus({ preventScroll: true });
    if (first?.setSelectionRange && first.tagName === "TEXTAREA")
      first.setSelectionRange(first.value.length, first.value.length);
  }

  /** Everything typed that still has its input, as `values` of a submission. */
  #values() {
    const values = {};
    const view = this.shown.view;
    for (const block of view.blocks) {
      const key = `${block.block_id}/${block.element?.action_id}`;
      const typed = this.typed.get(view.id)?.get(key);
      if (block.type === "input" && typed !== undefined) values[block.block_id] = { [block.element.action_id]: typed };
    }
    return values;
  }

  async #submit() {
    const told = { as: this.names().me(), values: this.#values() };
    if (this.shown.view.submit) await this.#during((id) => inTurn(id, () => this.say("submit", told)));
  }

  async #close() {
    await this.#during(() => this.say("close", {}));
  }

  /** Do `work` with the view that is shown, once: the one below it can be closed or sent before this is answered. */
  async #during(work) {
    const { id } = this.shown;
    if (this.busy.has(id)) return;
    this.busy.add(id);
    this.error = null;
    this.#markBusy();
    const seen = await work(id);
    this.busy.delete(id);
    if (this.shown?.id !== id) return;
    this.error = seen.ok || Object.keys(seen.errors ?? {}).length ? null : (seen.error ?? NO_ANSWER);
    this.shown.mark = null; // drawn anew with what came back
    this.redraw();
  }

  #markBusy() {
    const submit = this.shown.box.querySelector('[data-modal="submit"]');
    submit?.setAttribute("aria-busy", "true");
  }
}
