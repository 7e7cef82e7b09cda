/** What people press and choose: buttons, menus, radio buttons, checkboxes, dates. A choice is told at once. */

import { confirmed } from "./confirm.js";
import { arrows, dismissable, h, icon } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { choose, isPressed, onTheirWay, press, sayingWhenItWaits } from "./telling.js";

/** The element of a section, an actions block or (through `inputs.js`) an input. */
export function drawElement(element, block, ctx) {
  const draw = DRAWN[element.type];
  return draw ? draw(element, block, ctx) : h("span", { class: "unknown" }, `[${element.type}]`);
}

const DRAWN = {
  button(element, block, ctx) {
    if (element.visible_to_user_ids && !ctx.names.isAnyOfMe(element.visible_to_user_ids)) return null;
    const pressed = async () => {
      if (element.confirm && !(await confirmed(element.confirm, ctx.names))) return;
      if (/^https?:\/\//i.test(element.url ?? "")) window.open(element.url, "_blank", "noopener,noreferrer");
      await press("click", ctx, element, block);
    };
    const button = h(
      "button",
      {
        type: "button",
        class: `button ${element.style ?? ""}`,
        "aria-label": element.accessibility_label,
        onclick: pressed,
        ...named(element, block),
      },
      plain(element.text),
    );
    return sayingWhenItWaits(button, ctx, element, block);
  },

  overflow(element, block, ctx) {
    const button = h(
      "button",
      {
        type: "button",
        class: "button overflow",
        "aria-label": "More actions",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        ...named(element, block),
      },
      icon("more"),
    );
    const holder = h("span", { class: "overflow-holder" }, button);
    button.addEventListener("click", () => {
      if (isPressed(ctx, element, block)) return;
      toggleMenu(holder, button, element.options, async (option) => {
        if (element.confirm && !(await confirmed(element.confirm, ctx.names))) return;
        if (/^https?:\/\//i.test(option.url ?? "")) window.open(option.url, "_blank", "noopener,noreferrer");
        await press("choose", ctx, element, block, [option.value]);
      });
    });
    sayingWhenItWaits(button, ctx, element, block);
    return holder;
  },

  static_select: (element, block, ctx) => select(element, block, ctx, optionGroups(element)),
  users_select: (element, block, ctx) => select(element, block, ctx, [[null, ctx.names.everyone()]]),
  channels_select: (element, block, ctx) => select(element, block, ctx, [[null, ctx.names.everyChannel()]]),
  conversations_select: (element, block, ctx) => select(element, block, ctx, [[null, ctx.names.everyChannel()]]),
  multi_static_select: (element, block, ctx) => ticks(element, block, ctx, "checkbox"),
  radio_buttons: (element, block, ctx) => ticks(element, block, ctx, "radio"),
  checkboxes: (element, block, ctx) => ticks(element, block, ctx, "checkbox"),
  datepicker: (element, block, ctx) => picker(element, block, ctx, "date"),
  timepicker: (element, block, ctx) => picker(element, block, ctx, "time"),
  datetimepicker: (element, block, ctx) => picker(element, block, ctx, "datetime-local"),

  feedback_buttons(element, block, ctx) {
    return h(
      "span",
      { class: "feedback" },
      ["positive_button", "negative_button"].map((side) => {
        return h(
          "button",
          {
            type: "button",
            class: "button",
            onclick: () => press("choose", ctx, element, block, [element[side].value]),
          },
          plain(element[side].text),
        );
      }),
    );
  },

  icon_button(element, block, ctx) {
    return h(
      "button",
      { type: "button", class: "button", onclick: () => press("click", ctx, element, block) },
      plain(element.text),
    );
  },
};

/** What was chosen so far. What the state does not have yet comes first: on its way, or not to be told before Submit. */
export function chosen(element, block, ctx) {
  const here = onTheirWay(ctx, element, block) ?? ctx.typed.get(`${block.block_id}/${element.action_id}`);
  if (Array.isArray(here)) return { one: here[0] ?? null, many: here, typed: here[0] ?? null };
  const state = ctx.values?.[block.block_id]?.[element.action_id] ?? {};
  const one =
    state.selected_option?.value ?? state.selected_user ?? state.selected_channel ?? state.selected_conversation;
  const typed = state.value ?? state.selected_date ?? state.selected_time ?? state.selected_date_time;
  return { one: one ?? null, many: (state.selected_options ?? []).map((option) => option.value), typed: typed ?? null };
}

function optionGroups(element) {
  const listed = (options) => options.map((option) => [option.value, plain(option.text)]);
  if (element.option_groups) return element.option_groups.map((group) => [plain(group.label), listed(group.options)]);
  return [[null, listed(element.options ?? [])]];
}

function select(element, block, ctx, groups) {
  const { one } = chosen(element, block, ctx);
  const drawn = groups.map(([label, options]) => {
    const items = options.map(([value, words]) => h("option", { value, selected: value === one }, words));
    return label === null ? items : h("optgroup", { label }, items);
  });
  const first = h(
    "option",
    { value: "", disabled: !block.optional, selected: one === null },
    element.placeholder ? plain(element.placeholder) : "Choose an option",
  );
  const control = h(
    "select",
    { "aria-label": ctx.label ?? (plain(element.placeholder) || "Choose"), ...named(element, block) },
    first,
    drawn,
  );
  control.addEventListener("change", async () => {
    if (element.confirm && !(await confirmed(element.confirm, ctx.names))) {
      control.value = one ?? "";
      return;
    }
    await choose(ctx, element, block, control.value ? [control.value] : []);
  });
  sayingWhenItWaits(control, ctx, element, block);
  return h("span", { class: "select" }, control, icon("down"));
}

function ticks(element, block, ctx, type) {
  const { one, many } = chosen(element, block, ctx);
  const group = `${ctx.place?.key ?? "view"}/${block.block_id}/${element.action_id}`;
  const boxes = optionGroups(element)
    .flatMap(([, options]) => options)
    .map(([value]) => {
      const option = (element.options ?? element.option_groups.flatMap((each) => each.options)).find(
        (each) => each.value === value,
      );
      const box = h("input", {
        type,
        name: group,
        checked: type === "radio" ? value === one : many.includes(value),
        dataset: { value, focus: `${group}/${value}` },
      });
      box.addEventListener("change", () =>
        choose(
          ctx,
          element,
          block,
          boxes
            .map((each) => each.querySelector("input"))
            .filter((each) => each.checked)
            .map((each) => each.dataset.value),
        ),
      );
      const words = option.text.type === "mrkdwn" ? mrkdwn(option.text.text, ctx.names) : [plain(option.text)];
      const more = option.description
        ? h(
            "span",
            { class: "description" },
            option.description.type === "mrkdwn"
              ? mrkdwn(option.description.text, ctx.names)
              : plain(option.description),
          )
        : null;
      return h("label", { class: "tick" }, box, h("span", {}, ...words, more));
    });
  const drawn = h(
    "div",
    {
      class: "ticks",
      role: type === "radio" ? "radiogroup" : "group",
      "aria-label": ctx.label,
      dataset: { action: element.action_id, block: block.block_id },
    },
    boxes,
  );
  return sayingWhenItWaits(drawn, ctx, element, block);
}

function picker(element, block, ctx, type) {
  const control = h("input", {
    type,
    class: "picker",
    value: picked(type, chosen(element, block, ctx).typed),
    "aria-label": ctx.label ?? plain(element.placeholder),
    ...named(element, block),
  });
  control.addEventListener("change", () =>
    choose(
      ctx,
      element,
      block,
      control.value
        ? [type === "datetime-local" ? Math.floor(new Date(control.value).getTime() / 1000) : control.value]
        : [],
    ),
  );
  return sayingWhenItWaits(control, ctx, element, block);
}

/** A date and time is told in seconds, and picked on the clock on the wall. */
function picked(type, value) {
  if (value === null || type !== "datetime-local") return value ?? "";
  const offset = new Date(value * 1000).getTimezoneOffset() * 60;
  return new Date((value - offset) * 1000).toISOString().slice(0, 16);
}

const named = (element, block) => ({
  dataset: { action: element.action_id, block: block.block_id, focus: `${block.block_id}/${element.action_id}` },
});

function toggleMenu(holder, button, options, take) {
  const open = holder.querySelector(".menu");
  if (open) return open.closeMenu();
  const items = options.map((option) => {
    const more = option.description ? h("span", { class: "description" }, plain(option.description)) : null;
    return h(
      "button",
      {
        type: "button",
        role: "menuitem",
        class: "menu-item",
        dataset: { item: option.value },
        onclick: () => {
          menu.closeMenu();
          button.focus();
          take(option);
        },
      },
      plain(option.text),
      more,
    );
  });
  const menu = h("div", { class: "menu", role: "menu" }, items);
  const forget = dismissable(menu, button, () => menu.closeMenu());
  menu.closeMenu = () => {
    forget();
    menu.remove();
    button.setAttribute("aria-expanded", "false");
  };
  arrows(menu, () => items);
  holder.append(menu);
  button.setAttribute("aria-expanded", "true");
  const box = menu.getBoundingClientRect();
  if (box.right > document.documentElement.clientWidth - 8) menu.classList.add("to-left");
  if (box.bottom > document.documentElement.clientHeight - 8) menu.classList.add("upwards");
  items[0]?.focus();
}
