/** What people press and choose: buttons, menus, radio buttons, checkboxes, dates. A choice is told at once. */

import { confirmed } from "./confirm.js";
import { arrows, dismissable, h, icon } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/** The element of a section, an actions block or (through `inputs.js`) an input. */
export function drawElement(element, block, ctx) {
  const draw = DRAWN[element.type];
  return draw ? draw(element, block, ctx) : h("span", { class: "unknown" }, `[${element.type}]`);
}

const DRAWN = {
  button(element, block, ctx) {
    if (element.visible_to_user_ids && !ctx.names.isAnyOfMe(element.visible_to_user_ids)) return null;
    const press = async () => {
      if (element.confirm && !(await confirmed(element.confirm, ctx.names))) return;
      if (/^https?:\/\//i.test(element.url ?? "")) window.open(element.url, "_blank", "noopener,noreferrer");
      await tell(button, ctx, "click", element, block);
    };
    const button = h(
      "button",
      {
        type: "button",
        class: `button ${element.style ?? ""}`,
        "aria-label": element.accessibility_label,
        onclick: press,
        ...named(element, block),
      },
      plain(element.text),
    );
    return pendingAgain(button, ctx, element, block);
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
    button.addEventListener("click", () =>
      toggleMenu(holder, button, element.options, async (option) => {
        if (element.confirm && !(await confirmed(element.confirm, ctx.names))) return;
        if (/^https?:\/\//i.test(option.url ?? "")) window.open(option.url, "_blank", "noopener,noreferrer");
        await tell(button, ctx, "choose", element, block, [option.value]);
      }),
    );
    pendingAgain(button, ctx, element, block);
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
        const button = h(
          "button",
          {
            type: "button",
            class: "button",
            onclick: () => tell(button, ctx, "choose", element, block, [element[side].value]),
          },
          plain(element[side].text),
        );
        return button;
      }),
    );
  },

  icon_button(element, block, ctx) {
    const button = h(
      "button",
      { type: "button", class: "button", onclick: () => tell(button, ctx, "click", element, block) },
      plain(element.text),
    );
    return button;
  },
};

/** The value chosen so far, as `state.values` has it; what was typed here and not yet sent comes first. */
export function chosen(element, block, ctx) {
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
    await tell(control, ctx, "choose", element, block, control.value ? [control.value] : []);
  });
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
        tell(
          box,
          ctx,
          "choose",
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
  return h(
    "div",
    {
      class: "ticks",
      role: type === "radio" ? "radiogroup" : "group",
      "aria-label": ctx.label,
      dataset: { action: element.action_id, block: block.block_id },
    },
    boxes,
  );
}

function picker(element, block, ctx, type) {
  const control = h("input", {
    type,
    class: "picker",
    value: String(chosen(element, block, ctx).typed ?? ""),
    "aria-label": ctx.label ?? plain(element.placeholder),
    ...named(element, block),
  });
  control.addEventListener("change", () =>
    tell(
      control,
      ctx,
      "choose",
      element,
      block,
      control.value
        ? [type === "datetime-local" ? Math.floor(new Date(control.value).getTime() / 1000) : control.value]
        : [],
    ),
  );
  return control;
}

const named = (element, block) => ({
  dataset: { action: element.action_id, block: block.block_id, focus: `${block.block_id}/${element.action_id}` },
});
const pendingKey = (ctx, element, block) => `${ctx.place?.key ?? "view"}/${block.block_id}/${element.action_id}`;
const underWay = new Set();

/** Tell the app what was pressed; until it has answered, the element says so and cannot be pressed again. */
async function tell(control, ctx, verb, element, block, values) {
  const key = pendingKey(ctx, element, block);
  if (underWay.has(key)) return;
  underWay.add(key);
  control.setAttribute("aria-busy", "true");
  try {
    await ctx.act(verb, { action_id: element.action_id, block_id: block.block_id, ...(values ? { values } : {}) });
  } finally {
    underWay.delete(key);
    for (const drawn of document.querySelectorAll(`[aria-busy][data-action="${CSS.escape(element.action_id)}"]`))
      drawn.removeAttribute("aria-busy");
    control.removeAttribute("aria-busy");
  }
}

/** A card that is redrawn while its press is under way goes on saying so. */
function pendingAgain(button, ctx, element, block) {
  if (underWay.has(pendingKey(ctx, element, block))) button.setAttribute("aria-busy", "true");
  return button;
}

function toggleMenu(holder, button, options, choose) {
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
        dataset: { value: option.value },
        onclick: () => {
          menu.closeMenu();
          button.focus();
          choose(option);
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
