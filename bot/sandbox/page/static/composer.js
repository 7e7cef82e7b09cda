/** Where agents write: Enter sends, / offers commands, @ offers people. Talk here never reaches a customer. */

import { dismissable, h, icon } from "./dom.js";

const COMMANDS = [
  ["/signoff queue", "What waits for me, oldest first"],
  ["/signoff status", "The desk in figures"],
  ["/signoff pause 30m", "No drafts and notices for half an hour"],
  ["/signoff pause billing 2h", "The same for one category"],
  ["/signoff resume", "End every pause"],
  ["/signoff help", "What Signoff can do"],
];

export class Composer {
  /** `send(text, {broadcast})` and `run(command, text)` return what the person sees; `people()` lists [name, title]. */
  constructor({ send, run, people, inThread = false }) {
    Object.assign(this, { send, run, people, inThread, offered: [], at: 0, history: "" });
    this.field = h("textarea", {
      rows: 1,
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      role: "combobox",
      dataset: { focus: "composer" },
    });
    this.list = h("div", {
      class: "suggestions",
      role: "listbox",
      hidden: true,
      id: `suggestions-${inThread ? "thread" : "channel"}`,
    });
    this.field.setAttribute("aria-controls", this.list.id);
    this.button = h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"));
    this.also = inThread ? h("input", { type: "checkbox" }) : null;
    this.where = h("span", {});
    this.problem = h("div", { class: "complaint", role: "alert", hidden: true });
    this.hint = h("span", { class: "internal" }, icon("lock"), "Internal: customers never see what is written here");
    const tail = h("div", { class: "composer-tail" }, this.hint, h("span", { class: "spring" }), this.button);
    this.element = h(
      "form",
      { class: "composer" },
      this.list,
      this.problem,
      h(
        "div",
        { class: "composer-box" },
        this.field,
        this.also ? h("label", { class: "also" }, this.also, " Also send to ", this.where) : null,
        tail,
      ),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go();
    });
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("blur", () => setTimeout(() => this.#offer([]), 150));
    dismissable(this.list, this.field, () => this.#offer([]));
    this.#typed();
  }

  /** Say whom it writes to. */
  aim(label, channelName) {
    this.field.placeholder = label;
    this.field.setAttribute("aria-label", label);
    this.where.textContent = channelName ? `#${channelName}` : "";
  }

  focus() {
    this.field.focus();
  }

  #typed() {
    const text = this.field.value;
    this.button.disabled = !text.trim();
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 200)}px`;
    this.problem.hidden = true;
    this.#offer(this.#suggestions(text));
  }

  #suggestions(text) {
    if (text.startsWith("/") && !text.includes("\n")) {
      return COMMANDS.filter(([command]) => command.startsWith(text) && command !== text).map(([command, about]) => ({
        words: command,
        about,
        text: command,
      }));
    }
    const found = /(^|\s)@([\p{L}]*)$/u.exec(text.slice(0, this.field.selectionStart ?? text.length));
    if (!found) return [];
    const begin = text.slice(0, this.field.selectionStart - found[2].length - 1);
    const rest = text.slice(this.field.selectionStart);
    return this.people()
      .filter(([name]) => name.toLowerCase().startsWith(found[2].toLowerCase()))
      .map(([name, about]) => ({ words: `@${name}`, about, text: `${begin}@${name} ${rest}` }));
  }

  #offer(offered) {
    this.offered = offered;
    this.at = 0;
    this.list.hidden = !offered.length;
    this.field.setAttribute("aria-expanded", String(Boolean(offered.length)));
    this.list.replaceChildren(
      ...offered.map((each, index) =>
        h(
          "div",
          {
            class: "suggestion",
            role: "option",
            id: `${this.list.id}-${index}`,
            onpointerdown: (event) => {
              event.preventDefault();
              this.#take(index);
            },
          },
          h("b", {}, each.words),
          h("span", {}, each.about),
        ),
      ),
    );
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === this.at)));
    if (this.offered.length) this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  #take(index) {
    this.field.value = this.offered[index].text;
    this.field.focus();
    this.#typed();
  }

  #key(event) {
    const open = this.offered.length > 0;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.offered.length) % this.offered.length;
      return this.#mark();
    }
    if (open && event.key === "Tab") {
      event.preventDefault();
      return this.#take(this.at);
    }
    if (open && event.key === "Escape") {
      event.stopPropagation();
      return this.#offer([]);
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return undefined;
    event.preventDefault();
    if (open && !this.#wholeCommand()) return this.#take(this.at);
    return this.#go();
  }

  /** "/signoff" alone is a command too: Enter runs it rather than completing it. */
  #wholeCommand() {
    return /^\/signoff(\s|$)/.test(this.field.value);
  }

  async #go() {
    const text = this.field.value.trim();
    if (!text) return;
    const command = /^(\/[a-z-]+)(?:\s+([\s\S]*))?$/.exec(text);
    if (command && this.inThread) return this.#complain(`${command[1]} is not supported in threads. Sorry!`);
    if (command && command[1] !== "/signoff")
      return this.#complain(`${command[1]} is not a valid command. Only /signoff is installed here.`);
    this.field.value = "";
    this.#typed();
    const seen = command
      ? await this.run(command[1], command[2] ?? "")
      : await this.send(text, { broadcast: Boolean(this.also?.checked) });
    if (this.also) this.also.checked = false;
    if (seen.error) this.#complain(seen.error);
    return undefined;
  }

  #complain(words) {
    this.problem.replaceChildren(icon("alert"), words);
    this.problem.hidden = false;
  }
}
