/** The pane beside the channel: a message, its replies, and a composer for talk that stays inside. */

import { Composer } from "./composer.js";
import { h, icon } from "./dom.js";
import { MessageList } from "./messages.js";

export class Thread {
  constructor({ composer, close }) {
    this.list = new MessageList("Thread", "thread");
    this.composer = new Composer({ ...composer, inThread: true });
    this.where = h("span", { class: "thread-where" });
    this.element = h(
      "aside",
      { class: "thread", "aria-label": "Thread", hidden: true },
      h(
        "header",
        { class: "pane-head" },
        h(
          "button",
          { type: "button", class: "icon-button back", "aria-label": "Back to the channel", onclick: close },
          icon("back"),
        ),
        h("h2", {}, "Thread"),
        this.where,
        h(
          "button",
          {
            type: "button",
            class: "icon-button close",
            "aria-label": "Close thread",
            dataset: { focus: "close" },
            onclick: close,
          },
          icon("close"),
        ),
      ),
      this.list.element,
      this.composer.element,
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && close());
  }

  draw(desk) {
    const parent = desk.thread && desk.find(desk.thread.channel, desk.thread.ts);
    this.element.hidden = !parent;
    if (!parent) return;
    const name = desk.names.channel(parent.channel);
    this.where.textContent = name ? `#${name}` : "";
    this.composer.aim("Reply… (internal)", name);
    const replies = desk.replies(parent);
    const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
    const divide = (message) =>
      message.ts === parent.ts && replies.length
        ? {
            key: "count",
            mark: count,
            build: () => h("div", { class: "reply-count", role: "separator" }, h("span", {}, count)),
          }
        : null;
    this.list.draw(`${parent.channel}/${parent.ts}`, [{ ...parent, replies: undefined }, ...replies], desk, { divide });
  }
}
