/** Slack's mrkdwn as DOM nodes. It is split into tokens first; whatever is no token stays text, escaped entities last. */

import { moment } from "./dates.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";

const TOKEN = /<([^<>\n]*)>/g;
const BLOCK = /```([\s\S]*?)```/g;
const EMOJI = /:([a-z0-9_+-]+):/g;
const MARKS = [
  { sign: "`", tag: "code", inside: false },
  { sign: "*", tag: "b", inside: true },
  { sign: "_", tag: "i", inside: true },
  { sign: "~", tag: "s", inside: true },
];

export const unescaped = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** Nodes for mrkdwn `text`. `names` resolves ids: {user(id), channel(id), group(id)} give a name or null. */
export function mrkdwn(text, names) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(BLOCK)) {
    nodes.push(...lines(text.slice(end, found.index), names));
    nodes.push(h("pre", {}, ...inline(found[1].replace(/^\n|\n$/g, ""), names, [])));
    end = found.index + found[0].length;
  }
  return [...nodes, ...lines(text.slice(end), names)];
}

/** The same as plain words, for labels and previews. */
export function plainly(text, names) {
  return h("div", {}, ...mrkdwn(text, names)).textContent;
}

/** A plain_text object's words, with emoji codes drawn unless it forbids them. */
export function plain(object) {
  const words = object?.text ?? "";
  return object?.emoji === false ? words : words.replace(EMOJI, (code, name) => emoji(name) ?? code);
}

/** Lines that begin with &gt; are quotes. */
function lines(text, names) {
  const nodes = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) nodes.push(h("blockquote", {}, ...inline(quoted.join("\n"), names, MARKS)));
    quoted = [];
  };
  const plainLines = [];
  const flushPlain = () => {
    if (plainLines.length) nodes.push(...inline(plainLines.join("\n"), names, MARKS));
    plainLines.length = 0;
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("&gt;")) {
      flushPlain();
      quoted.push(line.slice(4).trimStart());
    } else {
      flush();
      plainLines.push(line);
    }
  }
  flush();
  flushPlain();
  return nodes;
}

function inline(text, names, marks) {
  const mark = firstMark(text, marks);
  if (!mark) return tokens(text, names);
  const { start, end, tag, inside } = mark;
  const within = text.slice(start + 1, end);
  return [
    ...inline(text.slice(0, start), names, marks),
    h(tag, {}, ...inline(within, names, inside ? marks.filter((other) => other.tag !== tag) : [])),
    ...inline(text.slice(end + 1), names, marks),
  ];
}

/** The earliest pair of signs that stand at word borders, around something, on one line, and not inside a token. */
function firstMark(text, marks) {
  const covered = [...text.matchAll(TOKEN)].map((found) => [found.index, found.index + found[0].length]);
  const free = (at) => !covered.some(([from, to]) => at >= from && at < to);
  const border = (char) => char === undefined || !/[\p{L}\p{N}]/u.test(char);
  let best = null;
  for (const { sign, tag, inside } of marks) {
    for (let start = text.indexOf(sign); start >= 0; start = text.indexOf(sign, start + 1)) {
      if (best && start > best.start) break;
      if (!free(start) || !border(text[start - 1]) || /[\s]/.test(text[start + 1] ?? " ") || text[start + 1] === sign)
        continue;
      let end = start + 1;
      do end = text.indexOf(sign, end + 1);
      while (end > 0 && (!free(end) || /\s/.test(text[end - 1]) || !border(text[end + 1])));
      if (end < 0 || text.slice(start, end).includes("\n")) continue;
      best = { start, end, tag, inside };
      break;
    }
  }
  return best;
}

function tokens(text, names) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    nodes.push(...words(text.slice(end, found.index)));
    nodes.push(token(found[1], names));
    end = found.index + found[0].length;
  }
  return [...nodes, ...words(text.slice(end))];
}

function words(text) {
  return text ? [document.createTextNode(unescaped(text).replace(EMOJI, (code, name) => emoji(name) ?? code))] : [];
}

function token(body, names) {
  const [target, label] = split(body);
  const said = label === null ? null : unescaped(label);
  switch (target[0]) {
    case "@":
      return mention(`@${names.user(target.slice(1)) ?? said ?? target.slice(1)}`, names.isMe(target.slice(1)));
    case "#":
      return mention(`#${names.channel(target.slice(1)) ?? said ?? target.slice(1)}`);
    case "!":
      return special(target.slice(1), said, names);
    default:
      return link(unescaped(target), said ?? unescaped(target));
  }
}

function split(body) {
  const bar = body.indexOf("|");
  return bar < 0 ? [body, null] : [body.slice(0, bar), body.slice(bar + 1)];
}

function special(body, said, names) {
  const [name, ...rest] = body.split("^");
  if (name === "date") return dated(rest, said);
  if (name === "subteam") return mention(said ?? `@${names.group(rest[0]) ?? rest[0]}`, names.isMine(rest[0]));
  return mention(`@${name}`, ["here", "channel", "everyone"].includes(name));
}

function dated([seconds, format, url], said) {
  const shown =
    /^\d+$/.test(seconds ?? "") && format ? moment(Number(seconds), format, said) : document.createTextNode(said ?? "");
  return url ? link(url, shown) : shown;
}

export function mention(words, me = false) {
  return h("span", { class: me ? "mention mention-me" : "mention" }, words);
}

/** A link if it leads to the web or to a mailbox; otherwise only its words. */
export function link(url, words) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h("span", {}, words);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, words);
}
