/** Above everything: who you are, the theme, the guide, what is under the hood; and on small screens which side shows. */

import { dismissable, arrows, h, icon } from "./dom.js";
import { people, roleOf } from "./people.js";
import { followTheme, isDark } from "./theme.js";

const MAY = {
  agent: "may sign off",
  supervisor: "may sign off and is called for help",
  admin: "may do everything",
  outsider: "may look, not press",
};

export class TopBar {
  constructor({ become, guide, hood, show }) {
    this.become = become;
    this.who = h("button", {
      type: "button",
      class: "who",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: () => this.#menu(),
    });
    this.holder = h("span", { class: "who-holder" }, this.who);
    const theme = h("button", { type: "button", class: "icon-button", onclick: () => toggle() });
    const toggle = followTheme(() => {
      theme.replaceChildren(icon(isDark() ? "sun" : "moon"));
      theme.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme");
      theme.title = theme.getAttribute("aria-label");
    });
    this.element = h(
      "header",
      { class: "top" },
      h("img", { src: "/demo/static/signoff.svg", alt: "", width: 28, height: 28 }),
      h("h1", {}, "Signoff", h("span", { class: "demo" }, "demo")),
      h("span", { class: "spring" }),
      this.holder,
      h(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Guide", title: "Guide", onclick: () => guide.toggle() },
        icon("guide"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Under the hood",
          title: "Under the hood",
          dataset: { hood: "1" },
          onclick: () => hood.toggle(),
        },
        icon("gauge"),
      ),
      theme,
    );
    this.sideTabs = ["customer", "slack"].map((side) =>
      h(
        "button",
        { type: "button", role: "tab", dataset: { side }, onclick: () => show(side) },
        icon(side === "slack" ? "hash" : "person"),
        side === "slack" ? "Slack" : "Customer",
      ),
    );
    this.sides = h("div", { class: "sides", role: "tablist", "aria-label": "Which side" }, this.sideTabs);
  }

  showSide(side) {
    for (const tab of this.sideTabs) tab.setAttribute("aria-selected", String(tab.dataset.side === side));
  }

  draw(desk) {
    this.desk = desk;
    const { me, usergroups } = desk.state;
    const mark = `${me.id} ${roleOf(me, usergroups)}`;
    if (this.mark === mark) return;
    this.mark = mark;
    this.who.replaceChildren(
      h("img", { src: me.avatar, alt: "", width: 24, height: 24 }),
      h(
        "span",
        {},
        h("span", { class: "you-are" }, "You are: "),
        h("b", {}, me.real_name),
        `, ${roleOf(me, usergroups)}`,
      ),
      icon("down"),
    );
  }

  #menu() {
    const open = this.holder.querySelector(".menu");
    if (open) return open.closeMenu();
    const { state, me } = this.desk;
    const items = people(state).map((user) => {
      const role = roleOf(user, state.usergroups);
      return h(
        "button",
        {
          type: "button",
          role: "menuitemradio",
          "aria-checked": String(user.id === me),
          class: "menu-item person",
          dataset: { user: user.id },
          onclick: () => {
            menu.closeMenu();
            this.who.focus();
            this.become(user.id);
          },
        },
        h("img", { src: user.avatar, alt: "", width: 32, height: 32 }),
        h("span", {}, h("b", {}, user.real_name), h("span", { class: "description" }, `${role}: ${MAY[role]}`)),
      );
    });
    const menu = h("div", { class: "menu", role: "menu", "aria-label": "Be somebody else" }, items);
    const forget = dismissable(menu, this.who, () => menu.closeMenu());
    menu.closeMenu = () => {
      forget();
      menu.remove();
      this.who.setAttribute("aria-expanded", "false");
    };
    arrows(menu, () => items);
    this.holder.append(menu);
    this.who.setAttribute("aria-expanded", "true");
    items.find((item) => item.dataset.user === me)?.focus();
    return undefined;
  }
}
