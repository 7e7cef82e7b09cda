/** Under the hood: the last requests between the bot and Slack, and switches for trouble. Closed until asked for. */

import { get, post } from "./api.js";
import { h, icon, keyed } from "./dom.js";
import { steadily } from "./steady.js";

const TROUBLES = [
  [
    "rate_limited",
    "Slack says 429",
    "The next three calls are put off: the bot waits as told and comes again.",
    { trouble: "rate_limited", times: 3, seconds: 3 },
  ],
  [
    "error_after",
    "Slack says 500 after storing",
    "The next post is stored, yet answered with an error: no card may come twice.",
    { trouble: "error_after", method: "chat.postMessage", times: 1 },
  ],
  [
    "drop_after",
    "The line drops after storing",
    "The same with no answer at all.",
    { trouble: "drop_after", method: "chat.postMessage", times: 1 },
  ],
];

export class Hood {
  constructor(config, { changed }) {
    this.config = config;
    this.changed = changed;
    this.wire = [];
    this.drawn = steadily(() => this.#draw());
    this.entries = h("ol", { class: "wire", "aria-label": "Requests, newest first" });
    this.told = h("p", { class: "told", "aria-live": "polite" });
    this.down = h("input", { type: "checkbox", onchange: () => this.#setDown() });
    const troubles = TROUBLES.map(([key, words, about, fault]) =>
      h(
        "div",
        { class: "trouble" },
        h(
          "button",
          { type: "button", class: "button", dataset: { trouble: key }, onclick: () => this.#arm(words, fault) },
          words,
        ),
        h("span", {}, about),
      ),
    );
    const shop = config.shop
      ? h(
          "label",
          { class: "trouble tick" },
          this.down,
          h("span", {}, h("b", {}, "The shop’s app is down"), " Approved replies are retried until it is back."),
        )
      : null;
    this.element = h(
      "aside",
      { class: "hood", "aria-label": "Under the hood", hidden: true },
      h(
        "header",
        {},
        h("h2", {}, "Under the hood"),
        h(
          "button",
          { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => this.toggle() },
          icon("close"),
        ),
      ),
      h(
        "div",
        { class: "hood-body" },
        h(
          "section",
          {},
          h("h3", {}, "Make trouble"),
          ...troubles,
          shop,
          h("button", { type: "button", class: "link-button", onclick: () => this.#clear() }, "Stop all trouble"),
          this.told,
        ),
        h("section", {}, h("h3", {}, "Between the bot and Slack"), this.entries),
      ),
    );
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    if (!this.element.hidden) this.refresh();
    this.changed();
  }

  async refresh() {
    if (this.element.hidden) return;
    this.wire = (await get("/sandbox/wire?limit=60").catch(() => ({ wire: [] }))).wire;
    this.drawn();
  }

  #draw() {
    const lines = this.wire.map((entry) => ({ key: String(entry.number), mark: "", build: () => drawEntry(entry) }));
    keyed(this.entries, lines.reverse());
  }

  async #arm(words, fault) {
    await post("/sandbox/faults", fault);
    this.told.textContent = `Set: ${words}. It strikes as soon as the bot calls.`;
  }

  async #clear() {
    await post("/sandbox/faults", {}, "DELETE");
    if (this.down.checked) {
      this.down.checked = false;
      await this.#setDown();
    }
    this.told.textContent = "All is well again.";
  }

  async #setDown() {
    await post("/demo/shop/down", { down: this.down.checked });
    this.told.textContent = this.down.checked ? "The shop’s app answers 503 from now on." : "The shop’s app is back.";
  }
}

function drawEntry(entry) {
  const bad = !entry.ok;
  return h(
    "li",
    { class: bad ? "bad" : "" },
    h(
      "details",
      {},
      h(
        "summary",
        {},
        h("span", { class: "way" }, entry.to === "bot" ? "Slack → bot" : "bot → Slack"),
        h("b", {}, entry.what),
        h("span", { class: "status" }, entry.status ? String(entry.status) : "no answer"),
        entry.note ? h("span", { class: "note" }, entry.note) : null,
      ),
      h("pre", {}, JSON.stringify(entry.told, null, 2)),
      entry.answer === null ? null : h("pre", {}, JSON.stringify(entry.answer, null, 2)),
    ),
  );
}
