// The launcher and the panel: what there is to see and to reach by keyboard. It knows nothing of the network.

const TEXT_CHARS = 50000; // the channel takes no more
const PROMISE = "Replies may be drafted with AI. A person checks every one.";

function drawPanel(options, log, { onOpen, onSend, onDraft, onDetails, onNew }) {
  const launcherWords = element("span", { class: "hidden" }, `Chat with ${options.title}`);
  const count = element("span", { class: "count", hidden: true });
  const launcher = element(
    "button",
    { type: "button", class: "launcher", "aria-expanded": "false", "aria-controls": "panel", onclick: () => toggle() },
    icon(ICONS.chat),
    launcherWords,
    count,
  );

  const fresh = element("button", { type: "button", class: "round", onclick: onNew, hidden: true }, icon(ICONS.more));
  fresh.setAttribute("aria-label", "Start a new conversation");
  fresh.title = "Start a new conversation";
  const shut = element("button", { type: "button", class: "round", onclick: () => close() }, icon(ICONS.close));
  shut.setAttribute("aria-label", "Close chat");
  shut.title = "Close chat (Esc)";
  const title = element("h2", { id: "title" });
  title.textContent = options.title;
  const header = element("header", {}, element("div", { class: "names" }, title, element("p", {}, PROMISE)), fresh, shut);

  log.empty.append(
    element("strong", {}, "How can we help?"),
    element("p", {}, "Write to us below. Answers appear here, also if you close this and come back later."),
    element("p", { class: "short" }, PROMISE), // where the header has no room for it
  );

  const status = element("p", { class: "status", role: "status" });
  const name = element("input", { id: "name", autocomplete: "name", maxlength: "200" });
  const email = element("input", { id: "email", type: "email", autocomplete: "email", maxlength: "320" });
  const details = element(
    "details",
    {},
    element("summary", {}, "Add your name and e-mail (optional)"),
    element("label", { for: "name" }, "Your name"),
    name,
    element("label", { for: "email" }, "Your e-mail"),
    email,
  );
  const text = element("textarea", { id: "text", rows: "1", maxlength: TEXT_CHARS, dir: "auto" });
  text.setAttribute("aria-describedby", "keys");
  text.placeholder = "Write a message…";
  const send = element("button", { type: "submit", class: "send" }, icon(ICONS.send));
  send.setAttribute("aria-label", "Send");
  const form = element(
    "form",
    { novalidate: true },
    details,
    element("label", { for: "text", class: "hidden" }, "Your message"),
    element("div", { class: "writing" }, text, send),
    element("p", { id: "keys", class: "hidden" }, "Enter sends, Shift and Enter begins a new line."),
  );
  const panel = element(
    "section",
    { id: "panel", class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
    header,
    log.root,
    status,
    form,
  );

  let unread = 0;
  const isOpen = () => !panel.hidden;
  const toggle = () => (isOpen() ? close() : open());

  function open() {
    show();
    text.focus({ preventScroll: true });
  }

  // Without taking the focus: a page that was just loaded is the reader's to begin where they like.
  function show() {
    panel.hidden = false;
    launcher.setAttribute("aria-expanded", "true");
    launcher.parentNode?.classList?.add("open");
    mark(0);
    fit();
    log.reveal();
    onOpen(true);
  }

  function close() {
    panel.hidden = true;
    launcher.setAttribute("aria-expanded", "false");
    launcher.parentNode?.classList?.remove("open");
    launcher.focus({ preventScroll: true });
    onOpen(false);
  }

  function mark(number) {
    unread = number;
    count.hidden = number === 0;
    count.textContent = String(number);
    const news = number === 1 ? ", 1 new reply" : `, ${number} new replies`;
    launcherWords.textContent = `Chat with ${options.title}${number ? news : ""}`;
  }

  function fit() {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    text.focus();
    if (!text.value.trim()) return;
    onSend(text.value, { name: name.value.trim(), email: email.value.trim() });
    text.value = "";
    onDraft("");
    fit();
  });
  text.addEventListener("keydown", (event) => {
    // isComposing: Enter chooses a candidate of an input method, it does not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  text.addEventListener("input", () => {
    fit();
    onDraft(text.value);
  });
  for (const field of [name, email]) {
    field.addEventListener("change", () => onDetails({ name: name.value.trim(), email: email.value.trim() }));
  }
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    close();
  });

  return {
    elements: [panel, launcher],
    show,
    isOpen,
    say: (words) => {
      if (status.textContent !== words) status.textContent = words;
    },
    news: () => mark(unread + 1),
    offerNew: (possible) => {
      fresh.hidden = !possible;
    },
    known: (isKnown) => {
      details.hidden = isKnown;
    },
    fill: (draft, given) => {
      text.value = draft;
      name.value = given.name ?? "";
      email.value = given.email ?? "";
      fit();
    },
    write: () => text.focus(),
  };
}
