// Puts the widget on the page and keeps it live.

const RECONNECT_MS = [500, 1000, 2000, 5000, 10000, 20000];
const HIDDEN_MS = 30000; // a page nobody looks at gives its connection back after this long
const EARLIER = 2; // earlier conversations shown above the current one
const script = document.currentScript;

function optionsOf(data) {
  return {
    title: data.title || "Support",
    colour: /^#[0-9a-f]{6}$/i.test(data.colour ?? "") ? data.colour : "#1f5f4a",
    side: data.position === "left" ? "left" : "right",
    theme: ["light", "dark"].includes(data.theme) ? data.theme : "auto",
    identity: data.identity || null,
    opened: data.open !== undefined,
  };
}

// Black or white, whichever is easier to read on the site's colour (WCAG relative luminance).
function readableOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

function chat(base, options, shadow) {
  const memory = remember(new URL(base).pathname);
  const marks = new Map(); // conversation -> up to where nothing is missing
  let started = false;
  let interrupt = () => {};
  let rest = () => {};
  const begun = new Set(); // conversations that have a line
  let newest = ""; // when the newest reply was written
  let inTrouble = false; // what the status line says is over once the line is there again
  const log = drawLog({ onRetry: (entry) => box.retry(entry), onDiscard: (entry) => box.discard(entry) });
  const wire = connect(base, memory, options.identity, forgotten);
  const box = outbox(wire, memory, log, { onSent: sent, onTrouble: explain });
  const panel = drawPanel(options, log, {
    onOpen: (isOpen) => {
      memory.set("open", isOpen);
      if (newest) memory.set("seen", newest);
      if (isOpen) start();
    },
    onSend: (text, given) => {
      start();
      begun.add(conversation());
      panel.offerNew(true);
      box.put(text, conversation(), options.identity ? {} : given);
    },
    onDraft: (text) => memory.set("draft", text || null),
    onDetails: (given) => memory.set("details", given),
    onNew: begin,
  });
  shadow.append(...panel.elements);
  panel.fill(memory.get("draft") ?? "", memory.get("details") ?? {});
  panel.known(options.identity !== null);

  const conversation = () => memory.get("conversation") ?? 1;

  function start() {
    if (started) return;
    started = true;
    box.resume();
    follow();
  }

  // Stays connected for as long as the page is looked at.
  async function follow() {
    for (let failures = 0; ; ) {
      await lookedAt();
      try {
        const session = await wire.session();
        panel.known(session.identified);
        await earlier();
        const number = conversation();
        log.begin(number);
        const stopping = new AbortController();
        interrupt = () => stopping.abort();
        await wire.follow(number, marks.get(number) ?? 0, {
          signal: stopping.signal,
          onOpen: () => {
            failures = 0;
            if (inTrouble) say("");
            box.hurry();
          },
          onLine: (line, mark) => heardLine(line, number, mark),
        });
        await pause(RECONNECT_MS[0]);
      } catch (trouble) {
        if (!(trouble instanceof Trouble) && trouble.name !== "AbortError" && trouble.name !== "TypeError") {
          console.error("signoff chat:", trouble);
        }
        if (failures > 0 || !navigator.onLine) explain(trouble);
        await pause(Math.max(RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)], trouble.retryAfterMs ?? 0));
        failures += 1;
      } finally {
        interrupt = () => {};
      }
    }
  }

  // Replies may still come to a conversation that was left for a new one.
  async function earlier() {
    for (let number = Math.max(1, conversation() - EARLIER); number < conversation(); number += 1) {
      const { lines, after } = await wire.read(number, marks.get(number) ?? 0);
      for (const line of lines) heardLine(line, number, after);
    }
  }

  function heardLine(line, number, mark) {
    marks.set(number, mark);
    begun.add(number);
    panel.offerNew(begun.has(conversation()));
    if (!log.place(line, number) || line.from !== "team") return;
    say("");
    if (line.at <= (memory.get("seen") ?? "")) return;
    newest = line.at > newest ? line.at : newest;
    if (panel.isOpen()) memory.set("seen", newest);
    else panel.news();
  }

  function say(words) {
    inTrouble = false;
    panel.say(words);
  }

  function sent() {
    say("Sent. A person checks every reply, so it can take a few minutes.");
  }

  function explain(trouble, waitMs = 0) {
    if (!navigator.onLine) panel.say("You are offline. What you write waits here and is sent when you are back.");
    else if (trouble.status === 429 && waitMs) {
      panel.say(`That was a lot at once. Sending goes on in ${Math.ceil(waitMs / 1000)} seconds.`);
    } else if (trouble.status === 403) panel.say("This site may not use this chat. Please reach us another way.");
    else if ([401, 429, 503].includes(trouble.status)) panel.say(trouble.message);
    else panel.say("We cannot reach the chat at the moment. We keep trying, and nothing you wrote is lost.");
    inTrouble = true;
  }

  function begin() {
    memory.set("conversation", conversation() + 1);
    log.begin(conversation());
    say("A new conversation: write your first message.");
    panel.offerNew(false);
    panel.write();
    interrupt();
    rest();
  }

  function forgotten(change) {
    marks.clear();
    begun.clear();
    log.clear();
    log.begin(conversation());
    panel.offerNew(false);
    if (change.anotherPerson) {
      for (const key of ["draft", "details", "seen"]) memory.set(key, null);
      panel.fill("", {});
    } else {
      say("The earlier chat on this device has ended. You can start a new one.");
    }
    box.inherit(change);
  }

  function pause(waitMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      rest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function lookedAt() {
    if (document.visibilityState === "visible") return null;
    return new Promise((resolve) => {
      document.addEventListener("visibilitychange", resolve, { once: true });
    });
  }

  let leaving;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.visibilityState === "hidden") leaving = setTimeout(() => interrupt(), HIDDEN_MS);
  });
  addEventListener("offline", () => {
    interrupt();
    explain({ status: 0 });
  });
  addEventListener("online", () => {
    rest();
    box.hurry();
  });
  addEventListener("storage", (event) => {
    if (event.key?.endsWith(" conversation")) interrupt(); // begun in another window
  });
  setInterval(() => {
    if (started && conversation() > 1 && document.visibilityState === "visible") earlier().catch(() => {});
  }, 30000);

  if (options.opened || memory.get("open")) panel.show();
  else if (wire.hasSession()) start();
}

function putOnPage() {
  const base = new URL(".", script.src).href;
  const id = `signoff-chat-${new URL(base).pathname.replace(/[^a-z0-9]+/gi, "-")}`;
  if (document.getElementById(id)) return; // the script was put on the page twice
  const options = optionsOf(script.dataset);
  const host = element("div", { id });
  const shadow = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [style]; // allowed under any content security policy of the site
  host.dataset.side = options.side;
  host.dataset.theme = options.theme;
  host.style.setProperty("--brand", options.colour);
  host.style.setProperty("--on-brand", readableOn(options.colour));
  document.body.append(host);
  const root = element("div", { class: "root" });
  shadow.append(root);
  chat(base, options, root);
}

if (document.body) putOnPage();
else addEventListener("DOMContentLoaded", putOnPage);
