// The conversation as it is drawn: every line once, in the team's order, one's own unsent words last.

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

function drawLog({ onRetry, onDiscard }) {
  const root = element("div", {
    class: "log",
    role: "log",
    "aria-live": "polite",
    "aria-relevant": "additions",
    "aria-label": "Conversation",
    tabindex: "0",
  });
  const empty = element("div", { class: "empty" });
  root.append(empty);
  // Whoever reads the newest line stays there, also while what surrounds the log grows.
  let pinned = true;
  const toEnd = () => {
    if (pinned) root.scrollTop = root.scrollHeight;
  };
  root.addEventListener("scroll", () => {
    pinned = root.scrollHeight - root.scrollTop - root.clientHeight < 80;
  });
  new ResizeObserver(toEnd).observe(root);

  const byId = new Map();

  // A line as the server tells it. Our own words come back under the id that we gave them.
  function place(line, conversation) {
    const row = byId.get(line.id) ?? drawn(line.from === "team", line);
    const isNew = !row.isConnected;
    byId.set(line.id, row);
    settle(row);
    const position = conversation * 1e6 + line.sequence;
    if (row.place !== position) {
      row.place = position;
      insert(row);
    }
    return isNew;
  }

  // Our own words before the server has them.
  function pend(entry) {
    if (byId.has(entry.id)) return;
    const row = drawn(false, { text: entry.text, attachments: [], at: new Date(entry.at).toISOString(), author: "" });
    row.place = Infinity;
    row.classList.add("unsent");
    row.append(element("div", { class: "state" }, "Waiting…"));
    byId.set(entry.id, row);
    insert(row);
    pinned = true; // one's own new words are what one looks at
    toEnd();
  }

  function sending(entry) {
    state(entry, element("span", {}, "Sending…"));
  }

  function waiting(entry) {
    const retry = element("button", { type: "button", class: "plain", onclick: () => onRetry(entry) }, "Retry now");
    state(entry, element("span", {}, "Not sent yet. "), retry);
  }

  function failed(entry, why) {
    const retry = element("button", { type: "button", class: "plain", onclick: () => onRetry(entry) }, "Retry");
    const discard = element("button", { type: "button", class: "plain", onclick: () => onDiscard(entry) }, "Discard");
    state(entry, element("span", { class: "alarm" }, `Not sent: ${why} `), retry, " ", discard);
  }

  function sent(entry) {
    const row = byId.get(entry.id);
    if (row) settle(row);
  }

  function discard(entry) {
    byId.get(entry.id)?.remove();
    byId.delete(entry.id);
    separate();
  }

  function clear() {
    byId.clear();
    root.replaceChildren(empty);
  }

  function state(entry, ...words) {
    byId.get(entry.id)?.querySelector(".state")?.replaceChildren(...words);
  }

  function settle(row) {
    row.classList.remove("unsent");
    row.querySelector(".state")?.remove();
  }

  function insert(row) {
    const next = rows().find((other) => other !== row && other.place > row.place) ?? null;
    const before = next && next.previousElementSibling?.classList.contains("day") ? next.previousElementSibling : next;
    if (!row.isConnected || following(row) !== next) root.insertBefore(row, before);
    separate();
    toEnd();
  }

  function following(row) {
    const all = rows();
    return all[all.indexOf(row) + 1] ?? null;
  }

  function rows() {
    return [...root.children].filter((child) => child.classList.contains("line"));
  }

  // A heading before the first line of a day and of a conversation; drawn only where it changed.
  function separate() {
    let previous = null;
    for (const row of rows()) {
      const begun = previous && conversationOf(row) !== conversationOf(previous);
      const words = begun ? `New conversation · ${row.day}` : row.day !== previous?.day ? row.day : null;
      const above = row.previousElementSibling?.classList.contains("day") ? row.previousElementSibling : null;
      if (words && above) above.textContent = words;
      else if (words) root.insertBefore(element("div", { class: "day" }, words), row);
      else above?.remove();
      previous = row;
    }
    if (root.lastElementChild?.classList.contains("day")) root.lastElementChild.remove();
    empty.hidden = previous !== null;
  }

  let current = 1;
  const conversationOf = (row) => (row.place === Infinity ? current : Math.floor(row.place / 1e6));

  return {
    root,
    empty,
    place,
    pend,
    sending,
    waiting,
    failed,
    sent,
    discard,
    clear,
    isEmpty: () => rows().length === 0,
    begin: (conversation) => {
      current = conversation;
    },
    reveal: toEnd,
  };
}

function drawn(fromTeam, line) {
  const row = element("div", { class: fromTeam ? "line team" : "line mine" });
  const at = new Date(line.at);
  row.day = DAY.format(at);
  const who = fromTeam ? line.author || "Support" : "You";
  const text = element("div", { class: "text", dir: "auto" });
  if (fromTeam) text.append(...withLinks(line.text));
  else text.textContent = line.text;
  const time = element("time", { datetime: at.toISOString() }, TIME.format(at));
  const head = element("div", { class: "head" });
  if (fromTeam) {
    const initials = [...who.matchAll(/(?:^|\s)(\S)/gu)].slice(0, 2).map((found) => found[1]).join("");
    const badge = element("span", { class: "initials", "aria-hidden": "true" });
    badge.textContent = initials.toUpperCase();
    head.append(badge);
  }
  const name = element("span", { class: fromTeam ? "author" : "author hidden", dir: "auto" });
  name.textContent = who;
  head.append(name, " ", time);
  row.append(head, text);
  if (line.attachments.length) row.append(attachmentsOf(line));
  return row;
}

function attachmentsOf(line) {
  const list = element("ul", { class: "attachments", "aria-label": "Attachments" });
  for (const each of line.attachments) list.append(element("li", {}, outwardLink(each.url, each.name)));
  return list;
}
