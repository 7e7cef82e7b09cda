/** Block Kit, drawn. `ctx` says where the blocks stand: {names, say, saw, values, errors, typed, place, surface}. */

import { h } from "./dom.js";
import { drawElement } from "./elements.js";
import { drawInput } from "./inputs.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";

const LEVELS = { info: "Information", warning: "Warning", error: "Error", success: "Done", default: "Note" };

export function drawBlocks(blocks, ctx) {
  return blocks.map((block) => {
    const draw = DRAWN[block.type] ?? unknown;
    const element = draw(block, ctx);
    element.classList.add("block", `block-${block.type in DRAWN ? block.type : "unknown"}`);
    return element;
  });
}

/** A text object: mrkdwn or plain_text. */
export function drawText(object, names) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : [plain(object)];
}

const DRAWN = {
  section(block, ctx) {
    const text = block.text ? h("div", { class: "text" }, ...drawText(block.text, ctx.names)) : null;
    const fields = block.fields
      ? h(
          "div",
          { class: "fields" },
          block.fields.map((field) => h("div", { class: "text" }, ...drawText(field, ctx.names))),
        )
      : null;
    const accessory = block.accessory
      ? h("div", { class: "accessory" }, drawElement(block.accessory, block, ctx))
      : null;
    return h("div", {}, h("div", { class: "section-body" }, text, fields), accessory);
  },

  header(block) {
    return h("h3", {}, plain(block.text));
  },

  context(block, ctx) {
    const parts = (block.elements ?? []).map((part) =>
      part.type === "image" ? image(part) : h("span", { class: "text" }, ...drawText(part, ctx.names)),
    );
    return h("div", {}, ...parts);
  },

  actions(block, ctx) {
    return h(
      "div",
      { role: "group", "aria-label": "Actions" },
      (block.elements ?? []).map((part) => drawElement(part, block, ctx)),
    );
  },

  context_actions(block, ctx) {
    return h(
      "div",
      { role: "group", "aria-label": "Actions" },
      (block.elements ?? []).map((part) => drawElement(part, block, ctx)),
    );
  },

  divider: () => h("hr"),

  image(block, ctx) {
    const title = block.title ? h("figcaption", {}, ...drawText(block.title, ctx.names)) : null;
    return h("figure", {}, title, image(block));
  },

  rich_text: (block, ctx) => richText(block, ctx.names),

  markdown: (block) => h("div", { class: "text" }, ...markdown(block.text ?? "")),

  input: (block, ctx) => drawInput(block, ctx),

  alert(block, ctx) {
    const level = block.level in LEVELS ? block.level : "default";
    return h(
      "div",
      { class: `alert-${level}`, role: "note" },
      h("b", {}, `${LEVELS[level]}: `),
      ...drawText(block.text, ctx.names),
    );
  },

  table(block, ctx) {
    const rows = (block.rows ?? []).map((row) =>
      h(
        "tr",
        {},
        row.map((cell) => h("td", {}, tableCell(cell, ctx))),
      ),
    );
    return h("div", {}, h("table", {}, h("tbody", {}, rows)));
  },
};

function tableCell(cell, ctx) {
  return cell.type === "rich_text" ? richText(cell, ctx.names) : String(cell.text ?? cell.value ?? "");
}

/** Pictures of this machine are shown; any other address is not fetched, only named. */
function image(part) {
  const url = part.image_url ?? part.slack_file?.url ?? "";
  if (!/^(\/|http:\/\/127\.0\.0\.1[:/])/.test(url))
    return h("span", { class: "no-image" }, `Image: ${part.alt_text || "not shown"}`);
  return h("img", { src: url, alt: part.alt_text ?? "", loading: "lazy" });
}

function unknown(block) {
  return h("div", { class: "unknown" }, `A block of type “${block.type}” is not drawn in this demo`);
}
