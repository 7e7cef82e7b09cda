/** rich_text blocks: sections, quotes, code and lists of runs. Nothing in a text run is parsed. */

import { moment } from "./dates.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { link, mention } from "./mrkdwn.js";

const LIST_STYLES = ["1", "a", "i"];

export function richText(block, names) {
  return h("div", { class: "rich-text" }, ...(block.elements ?? []).map((part) => drawPart(part, names)));
}

function drawPart(part, names) {
  const runs = () => (part.elements ?? []).map((run) => drawRun(run, names));
  switch (part.type) {
    case "rich_text_section":
      return h("div", { class: "rt-section" }, ...runs());
    case "rich_text_quote":
      return h("blockquote", {}, ...runs());
    case "rich_text_preformatted":
      return h("pre", {}, ...runs());
    case "rich_text_list":
      return list(part, names);
    default:
      return h("div", { class: "unknown" }, `A part of type “${part.type}” is not drawn here`);
  }
}

function list(part, names) {
  const depth = Math.min(part.indent ?? 0, 8);
  const items = (part.elements ?? []).map((item) =>
    h("li", {}, ...(item.elements ?? []).map((run) => drawRun(run, names))),
  );
  const ordered = part.style === "ordered";
  const attributes = ordered ? { type: LIST_STYLES[depth % 3], start: (part.offset ?? 0) + 1 } : {};
  return h(ordered ? "ol" : "ul", { class: `rt-list indent-${depth}`, ...attributes }, ...items);
}

function drawRun(run, names) {
  switch (run.type) {
    case "text":
      return styled(run.style, run.text);
    case "link":
      return styled(run.style, link(run.url, run.text ?? run.url));
    case "user":
      return mention(`@${names.user(run.user_id) ?? run.user_id}`, names.isMe(run.user_id));
    case "usergroup":
      return mention(`@${names.group(run.usergroup_id) ?? run.usergroup_id}`, names.isMine(run.usergroup_id));
    case "channel":
      return mention(`#${names.channel(run.channel_id) ?? run.channel_id}`);
    case "broadcast":
      return mention(`@${run.range}`, true);
    case "emoji":
      return h("span", { role: "img", "aria-label": run.name }, emoji(run.name) ?? `:${run.name}:`);
    case "date":
      return moment(run.timestamp, run.format ?? "{date_short_pretty}", run.fallback);
    case "color":
      return h("code", {}, run.value);
    default:
      return h("span", { class: "unknown" }, `[${run.type}]`);
  }
}

function styled(style, content) {
  let node = typeof content === "string" ? document.createTextNode(content) : content;
  for (const [name, tag] of [
    ["code", "code"],
    ["strike", "s"],
    ["italic", "i"],
    ["bold", "b"],
  ]) {
    if (style?.[name]) node = h(tag, {}, node);
  }
  return node;
}
