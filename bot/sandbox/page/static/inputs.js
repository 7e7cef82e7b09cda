/** Input blocks of modals: label, field, hint, error. What is typed stays in `ctx.typed` until it is submitted. */

import { h } from "./dom.js";
import { chosen, drawElement } from "./elements.js";
import { plain } from "./mrkdwn.js";
import { enter } from "./telling.js";

const TYPES = { email_text_input: "email", url_text_input: "url", number_input: "number", plain_text_input: "text" };
const LONGEST = 3000;
let numbers = 0;

export function drawInput(block, ctx) {
  const id = `input-${++numbers}`;
  const element = block.element;
  const error = ctx.errors?.[block.block_id];
  const described = [error ? `${id}-error` : null, block.hint ? `${id}-hint` : null].filter(Boolean).join(" ") || null;
  const label = [plain(block.label), block.optional ? h("span", { class: "optional" }, " (optional)") : null];
  const field =
    element.type in TYPES
      ? text(element, block, ctx, id, described, error)
      : drawElement(element, block, kept(ctx, block));
  const typed = element.type in TYPES;
  return h(
    "div",
    { class: error ? "has-error" : "" },
    typed ? h("label", { for: id, class: "label" }, ...label) : h("div", { class: "label" }, ...label),
    field,
    error ? h("div", { class: "input-error", id: `${id}-error`, role: "alert" }, error) : null,
    block.hint ? h("div", { class: "hint", id: `${id}-hint` }, plain(block.hint)) : null,
  );
}

/** What is chosen in an input is kept, and told before it is submitted only if the block asks for it. */
function kept(ctx, block) {
  const keep = (values) => ctx.typed.set(`${block.block_id}/${block.element.action_id}`, values);
  return { ...ctx, label: plain(block.label), keep };
}

function text(element, block, ctx, id, described, error) {
  const key = `${block.block_id}/${element.action_id}`;
  const longest = element.max_length ?? LONGEST;
  const attributes = {
    id,
    "aria-describedby": described,
    "aria-invalid": error ? "true" : null,
    placeholder: element.placeholder ? plain(element.placeholder) : null,
    dataset: {
      action: element.action_id,
      block: block.block_id,
      focus: key,
      autofocus: element.focus_on_load ? "1" : "",
    },
    value: ctx.typed.get(key) ?? chosen(element, block, ctx).typed ?? "",
  };
  const many = element.type === "plain_text_input" && element.multiline;
  const field = many
    ? h("textarea", { rows: 3, ...attributes })
    : h("input", { type: TYPES[element.type], ...attributes });
  const left = h("span", { class: "left", "aria-live": "polite" });
  const count = () => {
    const over = longest - field.value.length;
    left.textContent = over < 100 ? String(over) : "";
    left.classList.toggle("too-long", over < 0);
    if (many) grow(field);
  };
  field.addEventListener("input", () => {
    ctx.typed.set(key, field.value);
    count();
  });
  if (block.dispatch_action && !many)
    field.addEventListener("keydown", (event) => event.key === "Enter" && enter(ctx, element, block, field.value));
  requestAnimationFrame(count);
  return h("div", { class: "field" }, field, left);
}

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, Math.max(160, window.innerHeight * 0.45))}px`;
}
