/** One message: avatar, author, time, blocks or text, reactions, its thread's line, errors of a press. */

import { drawBlocks } from "./blocks.js";
import { clock, moment } from "./dates.js";
import { h, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn, plainly } from "./mrkdwn.js";

/** What the app said to a press on a message, kept until the next press: key -> words. */
const complaints = new Map();

export const keyOf = (message) => `${message.channel}/${message.ts}`;
export const markOf = (message, more) =>
  JSON.stringify([{ ...message, replies: undefined }, complaints.get(keyOf(message)), more]);

/** `desk` is the page: {names, say(verb, body), openThread(message), state}. `where` is "channel" or "thread". */
export function drawMessage(message, desk, { where, compact, fresh, unreadReplies }) {
  const { names, state } = desk;
  const key = keyOf(message);
  const author = authorOf(message, names, state);
  const complaint = complaints.get(key);
  return h(
    "article",
    {
      class: [
        "message",
        compact ? "compact" : "",
        message.ephemeral ? "ephemeral" : "",
        names.pings(message) ? "pinged" : "",
        fresh ? "fresh" : "",
      ].join(" "),
      tabindex: -1,
      "aria-label": `${author.name}, ${clock(new Date(Number(message.ts) * 1000))}: ${plainly(message.text, names) || "no words"}`,
      dataset: { ts: message.ts, channel: message.channel },
    },
    compact
      ? h("span", { class: "when gutter" }, clockOf(message))
      : h("img", { class: "avatar", src: author.avatar, alt: "", width: 36, height: 36 }),
    h(
      "div",
      { class: "message-body" },
      message.ephemeral ? h("div", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      compact
        ? null
        : h(
            "div",
            { class: "byline" },
            h("b", { class: "author" }, author.name),
            author.app ? h("span", { class: "badge" }, "APP") : null,
            h("span", { class: "when" }, clockOf(message)),
          ),
      message.broadcast && where === "channel" ? repliedTo(message, desk) : null,
      content(message, desk),
      files(message),
      reactions(message, names),
      complaint ? h("div", { class: "complaint", role: "alert" }, icon("alert"), complaint) : null,
      message.ephemeral
        ? h(
            "button",
            {
              type: "button",
              class: "link-button",
              dataset: { focus: "dismiss" },
              onclick: () => desk.say("dismiss", { channel: message.channel, ts: message.ts }),
            },
            "Dismiss message",
          )
        : null,
      where === "channel" && !message.thread_ts ? reply(message, desk) : null,
      where === "channel" && message.replies?.length ? repliesLine(message, desk, unreadReplies) : null,
    ),
  );
}

function clockOf(message) {
  return moment(Math.floor(Number(message.ts)), "{time}");
}

function authorOf(message, names, state) {
  const user = names.users.get(message.user);
  if (message.bot_id && message.bot_id === state.bot.bot_id)
    return { name: message.username ?? state.bot.name, app: true, avatar: "/demo/static/signoff.svg" };
  return {
    name: message.username ?? user?.real_name ?? message.user ?? "Slackbot",
    app: Boolean(user?.is_bot),
    avatar: user?.avatar ?? "/demo/static/signoff.svg",
  };
}

function content(message, desk) {
  if (!message.blocks?.length) {
    const edited = message.edited ? h("span", { class: "edited" }, " (edited)") : null;
    return h("div", { class: "text" }, ...mrkdwn(message.text, desk.names), edited);
  }
  const key = keyOf(message);
  const say = (verb, told) => {
    if (complaints.delete(key)) desk.redraw();
    return desk.say(verb, { channel: message.channel, ts: message.ts, ...told });
  };
  const saw = (told, seen) => {
    if (seen.error) complaints.set(key, seen.error);
    desk.pressed(message, told, seen);
  };
  const ctx = {
    surface: "message",
    names: desk.names,
    values: message.values,
    errors: {},
    typed: new Map(),
    place: { key },
    say,
    saw,
  };
  return h("div", { class: "blocks" }, ...drawBlocks(message.blocks, ctx));
}

function repliedTo(message, desk) {
  const parent = desk.find(message.channel, message.thread_ts);
  const words = parent ? plainly(parent.text, desk.names) : "a thread";
  return h(
    "div",
    { class: "replied-to" },
    "replied to a thread: ",
    h(
      "button",
      {
        type: "button",
        class: "link-button",
        dataset: { focus: "parent" },
        onclick: () => desk.openThread(message.channel, message.thread_ts),
      },
      words,
    ),
  );
}

function repliesLine(message, desk, unread) {
  const authors = [...new Set(message.replies.map((each) => each.user))].slice(0, 4);
  const last = message.replies.at(-1);
  return h(
    "button",
    {
      type: "button",
      class: "replies",
      dataset: { focus: "replies" },
      onclick: () => desk.openThread(message.channel, message.ts),
    },
    authors.map((id) => {
      const bot = id === desk.state.bot.user_id;
      return h("img", {
        src: bot ? "/demo/static/signoff.svg" : (desk.names.users.get(id)?.avatar ?? ""),
        alt: "",
        width: 22,
        height: 22,
      });
    }),
    unread ? h("span", { class: "dot", title: "New replies" }) : null,
    h("b", {}, message.replies.length === 1 ? "1 reply" : `${message.replies.length} replies`),
    h("span", { class: "last" }, "Last reply ", moment(Math.floor(Number(last.ts)), "{ago}")),
  );
}

function reply(message, desk) {
  if (message.ephemeral) return null;
  return h(
    "div",
    { class: "hover-tools" },
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Reply in thread",
        title: "Reply in thread",
        dataset: { focus: "reply" },
        onclick: () => desk.openThread(message.channel, message.ts, { write: true }),
      },
      icon("thread"),
    ),
  );
}

function reactions(message, names) {
  if (!message.reactions?.length) return null;
  return h(
    "div",
    { class: "reactions" },
    message.reactions.map(({ name, users, count }) =>
      h(
        "span",
        { class: "reaction", title: users.map((id) => names.user(id) ?? id).join(", ") },
        emoji(name) ?? `:${name}:`,
        " ",
        String(count),
      ),
    ),
  );
}

function files(message) {
  if (!message.files?.length) return null;
  return h(
    "div",
    { class: "files" },
    message.files.map((file) => h("span", { class: "file" }, file.title ?? file.name ?? "File")),
  );
}
