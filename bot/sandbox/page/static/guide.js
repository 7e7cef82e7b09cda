/** The first minute in four steps, ticked off as they happen. It can be closed, and opened again from the top bar. */

import { h, icon } from "./dom.js";

const CLOSED = "signoff-demo-guide-closed";
const steps = (holdSeconds) => [
  ["write", "Write as the customer", "in the web chat"],
  ["approve", "Sign off", "Approve & send, on the new card"],
  ["arrive", "See it arrive", `${holdSeconds} seconds later; Undo until then`],
  ["other", "Edit or take over", "others are waiting"],
];

export class Guide {
  constructor(config) {
    this.config = config;
    this.began = Date.now() / 1000;
    this.done = new Set();
    this.approved = null; // {channel, ts} of the card that was approved
    this.steps = h("ol", {});
    this.all = steps(config.holdSeconds);
    this.element = h(
      "aside",
      { class: "guide", "aria-label": "First minute" },
      this.steps,
      h(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Close the guide", onclick: () => this.show(false) },
        icon("close"),
      ),
    );
    this.show(localStorage.getItem(CLOSED) !== "1");
    this.#draw();
  }

  show(yes) {
    this.element.hidden = !yes;
    localStorage.setItem(CLOSED, yes ? "" : "1");
  }

  toggle() {
    this.show(this.element.hidden);
  }

  /** Look at the workspace for what has happened since. */
  look(state, find) {
    const cards = state.channels
      .flatMap((channel) => channel.messages)
      .filter((message) => message.bot_id && Number(message.ts) > this.began);
    if (cards.some((card) => JSON.stringify(card.blocks ?? []).includes(this.config.chatTitle))) this.#tick("write");
    const card = this.approved && find(this.approved.channel, this.approved.ts);
    if (card && JSON.stringify(card.blocks ?? []).includes("Delivered")) this.#tick("arrive");
  }

  pressed(message, { action_id: action, values }, seen) {
    if (!seen.ok) return;
    if (action === "approve" && !seen.ephemerals?.length) {
      this.approved = { channel: message.channel, ts: message.ts };
      this.#tick("approve");
    }
    if (["edit", "take_over"].includes(action) || values?.includes("redraft")) this.#tick("other");
  }

  #tick(step) {
    if (this.done.has(step)) return;
    this.done.add(step);
    this.#draw();
  }

  #draw() {
    const next = this.all.find(([key]) => !this.done.has(key))?.[0];
    this.steps.replaceChildren(
      ...this.all.map(([key, words, more], index) => {
        const done = this.done.has(key);
        return h(
          "li",
          { class: done ? "done" : key === next ? "next" : "", "aria-current": key === next ? "step" : null },
          h("span", { class: "step", "aria-hidden": "true" }, done ? icon("check") : String(index + 1)),
          h(
            "span",
            {},
            h("b", {}, words),
            h("span", { class: "sr-only" }, done ? " (done)" : ""),
            " ",
            h("small", {}, more),
          ),
        );
      }),
    );
  }
}
