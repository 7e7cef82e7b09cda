/** Names behind ids, and who may do what in the demo's company. */

/** Resolves ids for drawing; built anew from every state. */
export class Names {
  constructor(state) {
    this.state = state;
    this.users = new Map(state.users.map((user) => [user.id, user]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    this.groups = new Map(state.usergroups.map((group) => [group.id, group]));
  }

  user = (id) => this.users.get(id)?.real_name ?? null;
  channel = (id) => this.channels.get(id)?.name ?? null;
  group = (id) => this.groups.get(id)?.handle ?? null;
  me = () => this.state.me.id;
  isMe = (id) => id === this.state.me.id;
  isMine = (group) => this.groups.get(group)?.users.includes(this.state.me.id) ?? false;
  isAnyOfMe = (ids) => ids.includes(this.state.me.id);
  everyone = () =>
    [...this.users.values()].filter((user) => !user.is_bot && !user.deleted).map((user) => [user.id, user.real_name]);
  everyChannel = () =>
    [...this.channels.values()].filter((each) => each.kind !== "im").map((each) => [each.id, `#${each.name}`]);

  /** Whether a message notifies this person. */
  pings = (message) =>
    message.pings.some((id) => this.isMe(id) || this.isMine(id) || ["channel", "here", "everyone"].includes(id));
}

/** "agent", "supervisor", "admin" or "outsider", as the demo's policy has it. */
export function roleOf(user, usergroups) {
  const within = (handle) => usergroups.find((group) => group.handle === handle)?.users.includes(user.id);
  if (user.is_admin) return "admin";
  if (within("support-supervisors")) return "supervisor";
  return within("support-agents") ? "agent" : "outsider";
}

export const people = (state) => state.users.filter((user) => !user.is_bot && !user.deleted);
