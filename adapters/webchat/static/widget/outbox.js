// Words on their way: one after the other, kept until the channel has them, tried again with growing pauses.

const PAUSES_MS = [1000, 2000, 5000, 10000, 20000, 30000];

function outbox(wire, memory, log, { onSent, onTrouble }) {
  let working = false;
  let wakeUp = () => {};

  const key = (entry) => `unsent ${entry.id}`;

  function put(text, conversation, given) {
    const entry = { id: freshId(), text, conversation, at: Date.now(), refused: null, ...given };
    memory.set(key(entry), entry);
    log.pend(entry);
    work();
  }

  // What an earlier page could not send.
  function resume() {
    for (const entry of memory.unsent()) {
      log.pend(entry);
      if (entry.refused) log.failed(entry, entry.refused);
    }
    work();
  }

  function retry(entry) {
    memory.set(key(entry), { ...entry, refused: null });
    wakeUp();
    work();
  }

  function discard(entry) {
    memory.set(key(entry), null);
    log.discard(entry);
  }

  async function work() {
    if (working) return;
    working = true;
    try {
      for (let failures = 0; ; ) {
        const entry = memory.unsent().find((each) => !each.refused);
        if (!entry) return;
        log.sending(entry);
        const trouble = await deliver(entry);
        if (trouble) await pause(entry, trouble, failures);
        failures = trouble ? failures + 1 : 0;
      }
    } finally {
      working = false;
    }
  }

  // Null once the channel has answered for it, one way or the other.
  async function deliver(entry) {
    const words = { id: entry.id, conversation: entry.conversation, text: entry.text };
    if (entry.name) words.name = entry.name;
    if (entry.email) words.email = entry.email;
    try {
      await wire.write(words);
      memory.set(key(entry), null);
      log.sent(entry);
      onSent();
    } catch (trouble) {
      if (!(trouble instanceof Trouble) || trouble.passes) return trouble;
      memory.set(key(entry), { ...entry, refused: trouble.message });
      log.failed(entry, trouble.message);
    }
    return null;
  }

  function pause(entry, trouble, failures) {
    const usual = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] * (0.75 + Math.random() / 2);
    const wait = Math.max(usual, trouble.retryAfterMs ?? 0);
    log.waiting(entry);
    onTrouble(trouble, wait);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // The visitor this was meant for is gone from this device: their words go into the new visitor's first conversation,
  // or nowhere, when that is another person.
  function inherit({ anotherPerson }) {
    for (const entry of memory.unsent()) memory.set(key(entry), anotherPerson ? null : { ...entry, conversation: 1 });
    resume();
  }

  return { put, resume, inherit, retry, discard, hurry: () => wakeUp() };
}
