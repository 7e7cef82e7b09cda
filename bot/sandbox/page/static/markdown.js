/** The little of Markdown that a `markdown` block needs here: headings, lists, quotes, code, bold, italic, links. */

import { h } from "./dom.js";
import { link } from "./mrkdwn.js";

const INLINE =
  /`([^`]+)`|\*\*([^*]+)\*\*|(?<![\w*])[*_]([^*_\s][^*_]*)[*_](?!\w)|~~([^~]+)~~|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g;

export function markdown(text) {
  return text
    .split(/\n{2,}/)
    .filter((part) => part.trim())
    .map(paragraph);
}

function paragraph(part) {
  const lines = part.split("\n");
  const heading = /^(#{1,6})\s+(.*)$/.exec(part);
  if (heading && lines.length === 1) return h("h4", {}, ...inline(heading[2]));
  if (part.startsWith("```")) return h("pre", {}, part.replace(/^```\w*\n?|\n?```$/g, ""));
  if (lines.every((line) => /^\s*[-*]\s+/.test(line)))
    return h(
      "ul",
      {},
      lines.map((line) => h("li", {}, ...inline(line.replace(/^\s*[-*]\s+/, "")))),
    );
  if (lines.every((line) => /^\s*\d+[.)]\s+/.test(line)))
    return h(
      "ol",
      {},
      lines.map((line) => h("li", {}, ...inline(line.replace(/^\s*\d+[.)]\s+/, "")))),
    );
  if (lines.every((line) => line.startsWith(">")))
    return h("blockquote", {}, ...inline(lines.map((line) => line.slice(1).trimStart()).join("\n")));
  return h("p", {}, ...inline(part));
}

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, bold, italic, strike, label, url] = found;
    nodes.push(text.slice(end, found.index));
    if (code) nodes.push(h("code", {}, code));
    else if (bold) nodes.push(h("b", {}, bold));
    else if (italic) nodes.push(h("i", {}, italic));
    else if (strike) nodes.push(h("s", {}, strike));
    else nodes.push(link(url, label));
    end = found.index + whole.length;
  }
  return [...nodes, text.slice(end)];
}
