/** The workspace's sidebar: channels with what is unread, the app. */

import { h, icon, keyed } from "./dom.js";

export class Sidebar {
  constructor({ go }) {
    this.go = go;
    this.team = h("div", { class: "team" });
    this.channels = h("div", { class: "nav-list" });
    this.apps = h("div", { class: "nav-list" });
    this.element = h(
      "nav",
      { class: "sidebar", "aria-label": "Channels and apps" },
      this.team,
      h("div", { class: "nav-title" }, "Channels"),
      this.channels,
      h("div", { class: "nav-title" }, "Apps"),
      this.apps,
    );
  }

  draw(desk) {
    const { state, place } = desk;
    this.team.textContent = state.team.name;
    const rows = state.channels
      .filter((channel) => channel.kind !== "im")
      .map((channel) => {
        const { unread, pinged } = desk.unread(channel);
        const here = place.channel === channel.id;
        const words = unread ? `${channel.name}, ${unread} new` : channel.name;
        return {
          key: channel.id,
          mark: JSON.stringify([channel.name, channel.kind, unread, pinged, here]),
          build: () =>
            h(
              "button",
              {
                type: "button",
                class: ["nav", here ? "here" : "", unread ? "unread" : ""].join(" "),
                "aria-current": here ? "page" : null,
                "aria-label": words,
                dataset: { focus: "go" },
                onclick: () => this.go({ channel: channel.id }),
              },
              icon(channel.kind === "group" ? "lock" : "hash"),
              h("span", {}, channel.name),
              unread ? h("span", { class: pinged ? "count pinged" : "count" }, String(unread)) : null,
            ),
        };
      });
    keyed(this.channels, rows);
    const home = Boolean(place.app);
    const direct = desk.direct();
    const { unread } = direct ? desk.unread(direct) : { unread: 0 };
    keyed(this.apps, [
      {
        key: "app",
        mark: JSON.stringify([home, unread, state.bot]),
        build: () =>
          h(
            "button",
            {
              type: "button",
              class: ["nav", home ? "here" : "", unread ? "unread" : ""].join(" "),
              "aria-current": home ? "page" : null,
              "aria-label": unread ? `${state.bot.name}, ${unread} new` : state.bot.name,
              dataset: { focus: "go", place: "app" },
              onclick: () => this.go({ app: unread ? "messages" : "home" }),
            },
            h("img", { src: "/demo/static/signoff.svg", alt: "", width: 20, height: 20 }),
            h("span", {}, state.bot.name),
            h("span", {
              class: state.bot.connected ? "presence on" : "presence",
              title: state.bot.connected ? "Connected" : "Not connected",
            }),
            unread ? h("span", { class: "count" }, String(unread)) : null,
          ),
      },
    ]);
  }
}
