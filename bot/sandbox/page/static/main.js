/** The demo's page, put together: customers on one side, the local Slack on the other, one person playing both. */

import { follow, get } from "./api.js";
import { Composer } from "./composer.js";
import { Customers } from "./customers.js";
import { tick } from "./dates.js";
import { Desk } from "./desk.js";
import { h, icon } from "./dom.js";
import { Guide } from "./guide.js";
import { Home } from "./home.js";
import { Hood } from "./hood.js";
import { MessageList } from "./messages.js";
import { Modals } from "./modal.js";
import { people } from "./people.js";
import { Sidebar } from "./sidebar.js";
import { steadily } from "./steady.js";
import { TopBar } from "./topbar.js";
import { Thread } from "./thread.js";

const ME = "signoff-demo-me";
const config = await get("/demo/place");

class Page {
  constructor() {
    this.desk = new Desk({
      me: sessionStorage.getItem(ME) ?? config.me,
      place: { channel: config.channel },
      drawn: steadily(() => this.draw()),
      told: (...press) => this.guide.pressed(...press),
    });
    this.desk.openThread = (channel, ts, options) => this.openThread(channel, ts, options);
    this.customers = new Customers(config);
    this.guide = new Guide(config);
    this.hood = new Hood(config, { changed: () => this.desk.redraw() });
    this.modals = new Modals({ say: this.desk.say, names: () => this.desk.names, redraw: this.desk.redraw });
    this.sidebar = new Sidebar({ go: (place) => this.go(place) });
    this.list = new MessageList("Messages", "channel");
    this.home = new Home({});
    this.thread = new Thread({
      composer: {
        ...this.#writing(() => this.desk.thread.channel),
        send: (text, { broadcast }) => this.send(this.desk.thread.channel, text, this.desk.thread.ts, broadcast),
      },
      close: () => this.closeThread(),
    });
    this.composer = new Composer(this.#writing(() => this.desk.channel()?.id ?? this.desk.state.bot.user_id));
    this.top = new TopBar({
      become: (user) => this.become(user),
      guide: this.guide,
      hood: this.hood,
      show: (side) => this.show(side),
    });
    this.lastRead = null;
    this.#build();
  }

  #build() {
    this.title = h("h2", {});
    this.topic = h("span", { class: "topic" });
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Signoff" });
    this.lost = h(
      "div",
      { class: "lost", role: "status", hidden: true },
      "Connection lost. Trying to reach the demo again…",
    );
    this.main = h(
      "main",
      { class: "channel" },
      h(
        "header",
        { class: "pane-head" },
        h(
          "button",
          {
            type: "button",
            class: "icon-button open-sidebar",
            "aria-label": "Channels",
            onclick: () => this.slack.classList.toggle("with-sidebar"),
          },
          icon("menu"),
        ),
        this.title,
        this.topic,
      ),
      this.tabs,
      this.list.element,
      this.home.element,
      this.composer.element,
    );
    this.slack = h(
      "section",
      { class: "slack", "aria-label": "Slack" },
      this.sidebar.element,
      this.main,
      this.thread.element,
    );
    this.frame = h("div", { class: "frame" }, this.customers.element, this.slack, this.hood.element);
    document.body.append(this.top.element, this.guide.element, this.lost, this.frame, this.top.sides);
    this.frame.addEventListener("click", (event) => this.#follows(event));
    this.show("slack");
  }

  /** A link to a message of this workspace leads there instead of away. */
  #follows(event) {
    const found = /\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?.*thread_ts=([\d.]+))?/.exec(
      event.target.closest?.("a[href]")?.href ?? "",
    );
    if (!found) return;
    event.preventDefault();
    const [, channel, seconds, micros, thread] = found;
    this.go({ channel });
    if (thread) this.openThread(channel, thread);
    (thread ? this.thread.list : this.list).scrollTo(`${seconds}.${micros}`);
  }

  #writing(channel) {
    return {
      people: () => [
        ["Signoff", "the bot: say how to redraft, in a card’s thread"],
        ...people(this.desk.state).map((user) => [user.real_name, user.title]),
        ...this.desk.state.usergroups.map((group) => [group.handle, group.name]),
      ],
      send: (text) => this.send(channel(), text),
      run: (command, text) => this.desk.say("command", { channel: channel(), command, text }),
    };
  }

  async start() {
    this.#follow();
    await Promise.all([this.desk.refresh(), this.customers.refresh()]);
    setInterval(tick, 10_000);
    document.addEventListener("visibilitychange", () => this.desk.redraw());
  }

  #follow() {
    this.unfollow?.();
    this.unfollow = follow(
      this.desk.me,
      () => {
        this.desk.refresh();
        this.customers.refresh();
        this.hood.refresh();
      },
      (yes) => (this.lost.hidden = yes),
    );
  }

  // -- what the person does --------------------------------------------------------------------------------------

  become(user) {
    sessionStorage.setItem(ME, user);
    this.desk.me = user;
    this.lastRead = null;
    this.desk.thread = null;
    this.#follow();
    if (this.desk.place.app) this.go(this.desk.place);
    else this.desk.refresh();
  }

  async go(place) {
    this.desk.place = place;
    if (this.desk.thread && place.channel !== this.desk.thread.channel) this.desk.thread = null;
    this.slack.classList.remove("with-sidebar");
    this.lastRead = this.#markOf(place);
    this.desk.redraw();
    if (place.app === "home") await this.desk.say("home", {});
  }

  openThread(channel, ts, { write = false } = {}) {
    this.desk.thread = { channel, ts };
    this.desk.redraw();
    if (write) this.thread.composer.focus();
    else this.thread.list.log.focus({ preventScroll: true });
  }

  closeThread() {
    this.desk.thread = null;
    this.desk.redraw();
    this.list.log.focus({ preventScroll: true });
  }

  async send(channel, text, thread_ts, broadcast) {
    const seen = await this.desk.say("message", { channel, text, thread_ts, broadcast });
    (thread_ts ? this.thread.list : this.list).toBottom();
    return seen;
  }

  show(side) {
    document.body.dataset.side = side;
    this.top.showSide(side);
  }

  // -- drawing ---------------------------------------------------------------------------------------------------

  #markOf(place) {
    return place.channel ? this.desk.marks.of(this.desk.me, place.channel) : null;
  }

  draw() {
    const { desk } = this;
    const { state, place } = desk;
    const channel = desk.channel();
    const home = place.app === "home";
    this.#drawHead(state, channel, place);
    for (const part of [this.list.element, this.composer.element]) part.hidden = home;
    this.home.element.hidden = !home;
    this.slack.classList.toggle("with-thread", Boolean(desk.thread));
    if (home) this.home.draw(desk);
    else
      this.list.draw(`${desk.me}/${channel?.id ?? "direct"}`, channel ? desk.messages(channel) : [], desk, {
        lastRead: this.lastRead,
        empty: () => emptyChannel(channel),
      });
    this.composer.aim(
      channel?.kind === "im" || place.app ? `Message ${state.bot.name}` : `Message #${channel?.name ?? ""} (internal)`,
      null,
    );
    this.thread.draw(desk);
    this.modals.draw(state.views);
    desk.markRead();
    this.sidebar.draw(desk);
    this.top.draw(desk);
    this.guide.look(state, desk.find);
  }

  #drawHead(state, channel, place) {
    const inApp = Boolean(place.app);
    this.title.replaceChildren(
      ...(inApp
        ? [h("img", { src: "/demo/static/signoff.svg", alt: "", width: 22, height: 22 }), state.bot.name]
        : [icon(channel?.kind === "group" ? "lock" : "hash"), channel?.name ?? ""]),
    );
    this.topic.textContent = inApp ? "" : (channel?.topic ?? "");
    this.tabs.hidden = !inApp;
    if (this.tabs.dataset.at === String(place.app)) return;
    this.tabs.dataset.at = String(place.app);
    this.tabs.replaceChildren(
      ...[
        ["home", "Home"],
        ["messages", "Messages"],
      ].map(([key, words]) =>
        h(
          "button",
          {
            type: "button",
            role: "tab",
            class: "tab",
            "aria-selected": String(place.app === key),
            onclick: () => this.go({ app: key }),
          },
          words,
        ),
      ),
    );
  }
}

function emptyChannel(channel) {
  const name = channel && channel.kind !== "im" ? `#${channel.name}` : "Signoff";
  return h(
    "div",
    { class: "empty" },
    h("b", {}, `Nothing in ${name} yet`),
    h("p", {}, "Cards appear here as soon as a customer writes. Try the web chat."),
  );
}

await new Page().start();
