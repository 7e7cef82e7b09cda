/** A list of messages: days, grouping, what is new, and staying at the bottom unless somebody reads further up. */

import { dayOf } from "./dates.js";
import { arrows, h, icon, keyed } from "./dom.js";
import { drawMessage, keyOf, markOf } from "./message.js";

const CLOSE_BY_SECONDS = 300;
const NEAR_BOTTOM = 80;

export class MessageList {
  constructor(label, where) {
    this.where = where;
    this.log = h("div", {
      class: "log",
      role: "log",
      "aria-live": "polite",
      "aria-relevant": "additions",
      "aria-label": label,
      tabindex: 0,
    });
    this.more = h(
      "button",
      { type: "button", class: "to-newest", hidden: true, onclick: () => this.toBottom() },
      "New messages ",
      icon("down"),
    );
    this.element = h("div", { class: "log-frame" }, this.log, this.more);
    this.log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.atBottom = true;
    new ResizeObserver(() => this.atBottom && this.toBottom()).observe(this.log);
    arrows(this.log, () => [...this.log.querySelectorAll(".message")]);
    this.place = null;
    this.newest = null;
  }

  /** `items` oldest first; `lastRead` puts the red line; `divide(message)` may add an element after a message. */
  draw(place, items, desk, { lastRead = null, divide = null, empty = null } = {}) {
    const moved = place !== this.place;
    const stick = moved || this.#near();
    if (moved) this.log.replaceChildren();
    keyed(this.log, this.#entries(items, desk, lastRead, divide, empty));
    const newest = items.at(-1)?.ts ?? null;
    const grown = newest !== this.newest;
    Object.assign(this, { place, newest });
    if (stick) this.toBottom();
    else if (grown) this.more.hidden = false;
  }

  toBottom() {
    this.log.scrollTop = this.log.scrollHeight;
    this.more.hidden = true;
  }

  scrollTo(ts) {
    const message = this.log.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    message?.scrollIntoView({ block: "start" });
    message?.focus({ preventScroll: true });
  }

  #scrolled() {
    this.atBottom = this.#near();
    if (this.atBottom) this.more.hidden = true;
  }

  #near() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_BOTTOM;
  }

  #entries(items, desk, lastRead, divide, empty) {
    const entries = [];
    let before = null;
    let line = lastRead === null;
    for (const message of items) {
      const day = dayOf(message.ts);
      if (!before || dayOf(before.ts) !== day) {
        if (this.where === "channel")
          entries.push({
            key: `day ${day}`,
            mark: day,
            build: () => h("div", { class: "day", role: "separator" }, h("span", {}, day)),
          });
        before = null;
      }
      if (!line && Number(message.ts) > Number(lastRead)) {
        line = true;
        if (before)
          entries.push({
            key: `new ${lastRead}`,
            mark: "",
            build: () => h("div", { class: "new-line", role: "separator" }, h("span", {}, "New")),
          });
        before = null;
      }
      entries.push(this.#entry(message, before, desk));
      const extra = divide?.(message);
      if (extra) entries.push(extra);
      before = extra ? null : message;
    }
    if (!items.length && empty) entries.push({ key: "empty", mark: "empty", build: empty });
    return entries;
  }

  #entry(message, before, desk) {
    const compact =
      Boolean(before) &&
      !message.bot_id &&
      before.user === message.user &&
      !before.bot_id &&
      !message.ephemeral &&
      !before.ephemeral &&
      Number(message.ts) - Number(before.ts) < CLOSE_BY_SECONDS;
    const options = { where: this.where, compact, unreadReplies: desk.hasUnreadReplies(message) };
    const talk = message.replies?.length ? [message.replies.length, message.replies.at(-1).ts] : null;
    return {
      key: keyOf(message) + (message.ephemeral ? "/e" : ""),
      mark: markOf(message, [options, talk, desk.state.me.id]),
      build: () => drawMessage(message, desk, options),
    };
  }
}
