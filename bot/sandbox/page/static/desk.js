/** What the page knows: the state as one person sees it, where they are, and what they have read. */

import { act, state as ask } from "./api.js";
import { Names } from "./people.js";
import { ReadMarks } from "./read.js";

export class Desk {
  /** `drawn` is called after every change, `told(verb, message, body, seen)` after a press on a message. */
  constructor({ me, place, drawn, told }) {
    Object.assign(this, { me, place, thread: null, drawn, told, state: null, names: null });
    this.marks = new ReadMarks();
    this.asking = null; // the answer that is under way
    this.next = null; // the one after it
  }

  /** Ask for the state, and draw what was so at the time of the call or later: never what an earlier call asked for. */
  refresh() {
    if (!this.asking) {
      this.asking = this.#ask().finally(() => {
        this.asking = null;
      });
      return this.asking;
    }
    this.next ??= this.asking.then(() => {
      this.next = null;
      return this.refresh();
    });
    return this.next;
  }

  async #ask() {
    const me = this.me;
    const state = await ask(me).catch(() => null);
    if (!state || me !== this.me) return;
    this.state = state;
    this.names = new Names(state);
    this.drawn();
  }

  redraw = () => this.state && this.drawn();

  /** Do something as this person, or as `body` says, and see it drawn. */
  say = async (verb, body) => {
    const seen = await act(this.me, verb, body);
    await this.refresh();
    return seen;
  };

  pressed = (message, body, seen) => {
    this.told(message, body, seen);
    this.redraw();
  };

  channel() {
    if (this.place.app) return this.direct();
    return this.state.channels.find((channel) => channel.id === this.place.channel) ?? null;
  }

  direct = () =>
    this.state.channels.find((channel) => channel.kind === "im" && channel.with === this.state.bot.user_id) ?? null;

  find = (channelId, ts) => this.names.channels.get(channelId)?.messages.find((message) => message.ts === ts) ?? null;

  /** The channel's messages with the ephemeral ones of this person among them. */
  messages(channel) {
    const whispered = this.state.ephemerals.filter((each) => each.channel === channel.id && !each.thread_ts);
    return [...channel.messages, ...whispered].sort((one, other) => Number(one.ts) - Number(other.ts));
  }

  replies(parent) {
    const whispered = this.state.ephemerals.filter(
      (each) => each.channel === parent.channel && each.thread_ts === parent.ts,
    );
    return [...(parent.replies ?? []), ...whispered].sort((one, other) => Number(one.ts) - Number(other.ts));
  }

  // -- reading ---------------------------------------------------------------------------------------------------

  unread = (channel) => {
    const last = Number(this.marks.of(this.me, channel.id) ?? 0);
    const unseen = this.messages(channel).filter((message) => Number(message.ts) > last && message.user !== this.me);
    return { unread: unseen.length, pinged: unseen.some((message) => this.names.pings(message)) };
  };

  hasUnreadReplies = (message) => {
    const last = message.replies?.at(-1)?.ts;
    return (
      Boolean(last) &&
      Number(last) >
        Number(
          this.marks.of(this.me, `${message.channel}/${message.ts}`) ?? this.marks.of(this.me, message.channel) ?? 0,
        )
    );
  };

  /** What is on the screen counts as read while the window is looked at. */
  markRead() {
    if (document.hidden) return;
    const channel = this.channel();
    if (channel && this.place.app !== "home")
      this.marks.set(this.me, channel.id, this.messages(channel).at(-1)?.ts ?? null);
    const parent = this.thread && this.find(this.thread.channel, this.thread.ts);
    if (parent) this.marks.set(this.me, `${parent.channel}/${parent.ts}`, this.replies(parent).at(-1)?.ts ?? null);
  }
}
