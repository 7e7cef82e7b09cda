/** The app's own place: its Home tab as the app published it, and the direct messages with it. */

import { drawBlocks } from "./blocks.js";
import { h, icon, keyed } from "./dom.js";

export class Home {
  constructor({ tab }) {
    this.tab = tab;
    this.error = null;
    this.body = h("div", { class: "home-body", role: "region", "aria-label": "Signoff Home" });
    this.element = this.body;
  }

  draw(desk) {
    const view = desk.state.home;
    const ctx = {
      surface: "home",
      names: desk.names,
      values: view?.values ?? {},
      errors: {},
      typed: new Map(),
      place: { key: "home" },
      say: (verb, told) => desk.say(verb, { home: true, ...told }),
      saw: (_, seen) => {
        this.error = seen.error ?? null;
        desk.redraw();
      },
    };
    keyed(this.body, [
      ...(this.error
        ? [
            {
              key: "error",
              mark: this.error,
              build: () => h("div", { class: "complaint", role: "alert" }, icon("alert"), this.error),
            },
          ]
        : []),
      view
        ? {
            key: "view",
            mark: JSON.stringify([view.blocks, view.values, desk.state.me.id]),
            build: () => h("div", { class: "blocks", tabindex: -1 }, ...drawBlocks(view.blocks, ctx)),
          }
        : {
            key: "none",
            mark: "none",
            build: () =>
              h(
                "div",
                { class: "empty" },
                h("b", {}, "Nothing published here yet"),
                h("p", {}, "The app is asked for your Home when you open this tab."),
              ),
          },
    ]);
  }
}
