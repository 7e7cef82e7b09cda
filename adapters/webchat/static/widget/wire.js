// Talks to the channel: sessions, requests and the live stream. The token travels in a header, never in an address.

const REQUEST_MS = 20000;
const SILENCE_MS = 45000; // the server says something every few seconds: after this long the line is dead

class Trouble extends Error {
  constructor(words, { status = 0, retryAfter = 0 } = {}) {
    super(words);
    this.status = status;
    this.retryAfterMs = retryAfter * 1000;
  }

  // Whether the same again may work. 401 is mended by a new session before it gets here.
  get passes() {
    return this.status === 0 || this.status >= 500 || [401, 408, 425, 429].includes(this.status);
  }
}

function connect(base, memory, identity, onForgotten) {
  let asking = null;

  async function request(path, { method = "GET", body, token, headers = {}, signal } = {}) {
    const all = { ...headers };
    if (body) all["content-type"] = "application/json";
    if (token) all.authorization = `Bearer ${token}`;
    let answer;
    try {
      answer = await fetch(base + path, {
        method,
        headers: all,
        body: body && JSON.stringify(body),
        signal,
        credentials: "omit",
        cache: "no-store",
      });
    } catch (error) {
      throw new Trouble(String(error));
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const retryAfter = Number(answer.headers.get("retry-after")) || 0;
    throw new Trouble(problem.detail || `HTTP ${answer.status}`, { status: answer.status, retryAfter });
  }

  function brief(path, options) {
    return request(path, { ...options, signal: AbortSignal.timeout(REQUEST_MS) }).then((answer) =>
      answer.json().catch((error) => {
        throw new Trouble(String(error)); // cut off while it was read
      }),
    );
  }

  // A session is kept only for the person it was made for: who logs in or out is somebody else.
  function kept() {
    const session = memory.get("session");
    const theirs = session && (identity ? session.identity === identity : !session.identified);
    return theirs && session.until > Date.now() ? session : null;
  }

  async function open() {
    const session = kept();
    if (session && session.renew > Date.now()) return session;
    const before = memory.get("session");
    const isTheirs = before && (identity ? before.identified : !before.identified);
    const body = { conversation: isTheirs ? (memory.get("conversation") ?? 1) : 1 };
    if (identity) body.identity = identity;
    let given;
    try {
      given = await brief("session", { method: "POST", body, token: identity ? null : session?.token });
    } catch (error) {
      if (!(session && !identity && error.status === 401)) throw error;
      forget();
      given = await brief("session", { method: "POST", body: { conversation: 1 } });
    }
    return keep(given);
  }

  function keep(given) {
    const before = memory.get("session");
    const isSomebodyElse = before && before.visitor !== given.visitor;
    const life = Math.max(60000, Date.parse(given.expires_at) - Date.now());
    const session = { ...given, identity, until: Date.now() + life, renew: Date.now() + life / 2 };
    memory.set("session", session);
    const known = isSomebodyElse ? 1 : (memory.get("conversation") ?? 1);
    memory.set("conversation", Math.max(known, given.conversation));
    if (isSomebodyElse) onForgotten({ anotherPerson: before.identified || given.identified });
    return session;
  }

  function forget() {
    const session = memory.get("session");
    if (session) memory.set("session", { ...session, until: 0, renew: 0 });
  }

  function session() {
    asking ??= open().finally(() => {
      asking = null;
    });
    return asking;
  }

  // With a session; once more with a new one of the same visitor, where the old is no longer known.
  async function known(attempt) {
    const { token, visitor } = await session();
    try {
      return await attempt(token);
    } catch (error) {
      if (error.status !== 401) throw error;
      forget();
      const renewed = await session();
      if (renewed.visitor !== visitor) throw error; // what was meant for one visitor is not said as another
      return attempt(renewed.token);
    }
  }

  const write = (words) => known((token) => brief("messages", { method: "POST", body: words, token }));

  const read = (conversation, after) =>
    known((token) => brief(`messages?conversation=${conversation}&after=${after}`, { token }));

  // Reads the stream until it ends or breaks. `onLine(line, mark)` for every line, `onOpen` once connected.
  async function follow(conversation, after, { onOpen, onLine, signal }) {
    const stopping = new AbortController();
    signal.addEventListener("abort", () => stopping.abort());
    const late = setTimeout(() => stopping.abort(), REQUEST_MS);
    const headers = { "last-event-id": String(after) };
    const answer = await known((token) =>
      request(`stream?conversation=${conversation}`, { token, headers, signal: stopping.signal }),
    ).finally(() => clearTimeout(late));
    onOpen();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let silence;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => reader.cancel().catch(() => {}), SILENCE_MS);
    };
    try {
      for (let held = ""; ; ) {
        listen();
        const { value, done } = await reader.read();
        if (done) return;
        const events = (held + value).split("\n\n");
        held = events.pop();
        for (const event of events) heard(event, onLine);
      }
    } finally {
      clearTimeout(silence);
      reader.cancel().catch(() => {});
    }
  }

  return { session, hasSession: () => kept() !== null, write, read, follow };
}

function heard(event, onLine) {
  const fields = {};
  for (const row of event.split("\n")) {
    const colon = row.indexOf(": ");
    if (colon > 0) fields[row.slice(0, colon)] = row.slice(colon + 2);
  }
  if (fields.event === "line") onLine(JSON.parse(fields.data), Number(fields.id));
}
