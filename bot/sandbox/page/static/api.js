/** The sandbox's control API, as bot/sandbox/control.py describes it. */

async function asked(path, options) {
  const response = await fetch(path, { cache: "no-store", ...options });
  const told = await response.json().catch(() => ({}));
  if (!response.ok && told.ok === undefined) throw new Error(`${path}: HTTP ${response.status}`);
  return told;
}

export const get = (path) => asked(path);

export function post(path, body, method = "POST") {
  return asked(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export const state = (me) => get(`/sandbox/state?as=${encodeURIComponent(me)}`);

/** Do `verb` as `me`; what the person sees comes back. An unreachable sandbox reads like Slack's own trouble. */
export async function act(me, verb, body) {
  try {
    return await post(`/sandbox/${verb}`, { as: me, ...body });
  } catch {
    return { ok: false, error: "We had some trouble connecting. Try again?", errors: {}, ephemerals: [], view: null };
  }
}

/** Calls `changed` after every change in the workspace, and `connected(bool)` as the line comes and goes. */
export function follow(me, changed, connected) {
  const source = new EventSource(`/sandbox/stream?as=${encodeURIComponent(me)}`);
  source.onmessage = (event) => changed(JSON.parse(event.data).version);
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  return () => source.close();
}
