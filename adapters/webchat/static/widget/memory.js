// What survives a reload, in this site's localStorage; where that is forbidden, only until the page is left.

function remember(address) {
  const prefix = `signoff ${address} `;
  const meanwhile = new Map();

  function get(key) {
    try {
      return JSON.parse(localStorage.getItem(prefix + key) ?? "null");
    } catch {
      return meanwhile.get(key) ?? null;
    }
  }

  function set(key, value) {
    meanwhile.set(key, value);
    try {
      if (value === null) localStorage.removeItem(prefix + key);
      else localStorage.setItem(prefix + key, JSON.stringify(value));
    } catch {
      // Storage is full or forbidden: what we hold meanwhile has to do.
    }
  }

  // Unsent words have a key each, so that two open pages never overwrite one another's.
  function unsent() {
    const found = new Map([...meanwhile].filter(([key, value]) => key.startsWith("unsent ") && value));
    try {
      for (let index = 0; index < localStorage.length; index += 1) {
        const key = localStorage.key(index);
        if (!key.startsWith(`${prefix}unsent `)) continue;
        const entry = get(key.slice(prefix.length));
        if (entry) found.set(key.slice(prefix.length), entry);
      }
    } catch {
      // As above.
    }
    return [...found.values()].sort((one, other) => one.at - other.at);
  }

  return { get, set, unsent };
}

// randomUUID is missing on pages without https.
function freshId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
