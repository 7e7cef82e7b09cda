/** The customers' side: the real web chat in a frame, and the shop's own app that talks to the bot by webhook. */

import { get, post } from "./api.js";
import { moment } from "./dates.js";
import { h, icon, keyed } from "./dom.js";
import { steadily } from "./steady.js";

export class Customers {
  constructor(config) {
    this.config = config;
    this.tab = config.chat ? "chat" : "shop";
    this.open = null; // the shop customer being read
    this.shop = null;
    this.read = new Map(); // conversation -> lines seen
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Customers" });
    this.chat = config.chat
      ? h("iframe", { class: "chat", src: config.chat, title: "Web chat, as a customer sees it" })
      : h("div", { class: "empty" }, "No web chat here");
    this.list = h("div", { class: "shop-list" });
    this.thread = h("div", {
      class: "shop-thread",
      role: "log",
      "aria-live": "polite",
      "aria-label": "Conversation in the shop’s app",
      tabindex: 0,
    });
    this.head = h("div", { class: "shop-head" });
    this.problem = h("div", { class: "complaint", role: "alert", hidden: true });
    this.field = h("textarea", { rows: 2 });
    this.form = h(
      "form",
      { class: "shop-form" },
      this.problem,
      this.field,
      h("button", { type: "submit", class: "button primary" }, "Send"),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.shopView = h("div", { class: "shop" }, this.head, this.list, this.thread, this.form);
    this.element = h(
      "section",
      { class: "customers", "aria-label": "Customer", hidden: !config.chat && !config.shop },
      this.tabs,
      h("div", { class: "customers-body" }, this.chat, this.shopView),
    );
    this.drawn = steadily(() => this.#draw());
    this.#draw();
  }

  /** Ask the shop what it has sent and received, and draw it. */
  async refresh() {
    if (!this.config.shop) return;
    this.shop = await get("/demo/shop").catch(() => this.shop);
    this.drawn();
  }

  #draw() {
    const reading = this.tab === "shop" && this.shop?.customers.find((each) => each.conversation === this.open);
    if (reading) this.read.set(this.open, reading.lines.filter((line) => line.outgoing).length);
    const news = (this.shop?.customers ?? []).reduce((sum, each) => sum + this.#unseen(each), 0);
    const tab = (name, words, count) => ({
      key: name,
      mark: `${this.tab === name} ${count}`,
      build: () =>
        h(
          "button",
          {
            type: "button",
            role: "tab",
            class: "tab",
            "aria-selected": String(this.tab === name),
            dataset: { focus: name, tab: name },
            onclick: () => this.#show(name),
          },
          words,
          count ? h("span", { class: "count" }, String(count)) : null,
        ),
    });
    keyed(this.tabs, [tab("chat", "Web chat", 0), ...(this.config.shop ? [tab("shop", "Shop app", news)] : [])]);
    this.chat.hidden = this.tab !== "chat";
    this.shopView.hidden = this.tab !== "shop";
    if (this.tab === "shop" && this.shop) this.#drawShop();
  }

  #show(tab) {
    this.tab = tab;
    this.#draw();
  }

  #unseen(customer) {
    const replies = customer.lines.filter((line) => line.outgoing).length;
    if (!this.read.has(customer.conversation)) this.read.set(customer.conversation, replies);
    return Math.max(0, replies - this.read.get(customer.conversation));
  }

  #drawShop() {
    const customer = this.shop.customers.find((each) => each.conversation === this.open);
    this.list.hidden = Boolean(customer);
    for (const part of [this.thread, this.form]) part.hidden = !customer;
    if (customer) this.#drawThread(customer);
    else this.#drawList();
  }

  #drawList() {
    this.head.replaceChildren(
      ...present(
        h(
          "p",
          {},
          h("b", {}, this.shop.name),
          " sends its customers’ messages to Signoff and takes the replies, both by signed webhook.",
        ),
        this.shop.down ? h("p", { class: "down" }, icon("alert"), "It is down: replies are retried") : null,
      ),
    );
    keyed(
      this.list,
      this.shop.customers.map((each) => {
        const last = each.lines.at(-1);
        const unseen = this.#unseen(each);
        return {
          key: each.conversation,
          mark: JSON.stringify([last, unseen, each]),
          build: () =>
            h(
              "button",
              {
                type: "button",
                class: "shop-customer",
                dataset: { focus: "open", conversation: each.conversation },
                onclick: () => this.#read(each.conversation),
              },
              h(
                "span",
                { class: "shop-name" },
                h("b", {}, each.name),
                each.tier === "standard" ? null : h("span", { class: "badge" }, each.tier.toUpperCase()),
                unseen ? h("span", { class: "count" }, String(unseen)) : null,
              ),
              h(
                "span",
                { class: "preview" },
                last ? `${last.outgoing ? "Reply: " : ""}${last.text}` : "Has not written yet",
              ),
            ),
        };
      }),
    );
  }

  #drawThread(customer) {
    if (this.head.dataset.of !== customer.conversation || !this.head.querySelector(".icon-button")) {
      this.head.dataset.of = customer.conversation;
      this.head.replaceChildren(
        ...present(
          h(
            "button",
            { type: "button", class: "icon-button", "aria-label": "All customers", onclick: () => this.#read(null) },
            icon("back"),
          ),
          h("b", {}, customer.name),
          customer.tier === "standard" ? null : h("span", { class: "badge" }, customer.tier.toUpperCase()),
          h("span", { class: "about" }, customer.about),
        ),
      );
    }
    this.field.placeholder = `Write as ${customer.name}`;
    this.field.setAttribute("aria-label", this.field.placeholder);
    const before = this.thread.childElementCount;
    keyed(
      this.thread,
      customer.lines.map((line) => ({
        key: line.id,
        mark: line.id,
        build: () =>
          h(
            "div",
            { class: line.outgoing ? "line theirs" : "line mine" },
            h("div", { class: "bubble" }, line.text),
            h(
              "div",
              { class: "line-foot" },
              line.outgoing ? `${line.author} · ` : "",
              moment(line.at, "{time}"),
              line.outgoing ? " · by signed webhook" : "",
            ),
          ),
      })),
    );
    if (this.thread.childElementCount !== before) this.thread.scrollTop = this.thread.scrollHeight;
  }

  #read(conversation) {
    this.open = conversation;
    this.thread.replaceChildren();
    this.problem.hidden = true;
    this.head.dataset.of = "";
    this.#draw();
    (conversation ? this.field : this.list.querySelector("button"))?.focus();
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    const told = await post("/demo/shop/say", { conversation: this.open, text }).catch((error) => ({
      ok: false,
      error: String(error.message),
    }));
    this.problem.hidden = told.ok;
    if (!told.ok) {
      this.problem.replaceChildren(icon("alert"), told.error ?? "It was not taken. Try again?");
      this.field.value = text;
    }
    await this.refresh();
  }
}

const present = (...nodes) => nodes.filter((node) => node !== null);
