/** Slack's date tokens in the viewer's own zone and language; {ago} keeps ticking. */

const DAY = 86_400_000;
const show = (options) => (at) => new Intl.DateTimeFormat(undefined, options).format(at);

const long = show({ year: "numeric", month: "long", day: "numeric" });
const weekday = show({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
const short = show({ year: "numeric", month: "short", day: "numeric" });
export const clock = show({ hour: "numeric", minute: "2-digit" });

const TOKENS = {
  date_num: (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
  date_slash: show({ year: "numeric", month: "2-digit", day: "2-digit" }),
  date: long,
  date_long: weekday,
  date_long_full: weekday,
  date_short: short,
  date_pretty: (at) => nearby(at) ?? long(at),
  date_short_pretty: (at) => nearby(at) ?? short(at),
  date_long_pretty: (at) => nearby(at) ?? weekday(at),
  day_divider_pretty: (at) => nearby(at) ?? weekday(at),
  time: clock,
  time_secs: show({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (at) => ago(at),
};

const two = (number) => String(number).padStart(2, "0");
const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

function nearby(at) {
  const days = Math.round((midnight(at) - midnight(new Date())) / DAY);
  return { 0: "today", "-1": "yesterday", 1: "tomorrow" }[days];
}

/** "just now", "4 minutes ago", "in 2 hours". */
export function ago(at) {
  const seconds = (at.getTime() - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "always" });
  for (const [unit, size] of [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

/** `format` with its {tokens} filled in; the first letter is a capital where it begins the text. */
export function formatted(seconds, format) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return null;
  return format.replace(/\{(\w+)\}/g, (token, name) => (TOKENS[name] ? TOKENS[name](at) : token));
}

/** A `<time>` element; those with {ago} are kept current by `tick`. */
export function moment(seconds, format, fallback) {
  const element = document.createElement("time");
  const at = new Date(seconds * 1000);
  element.textContent = formatted(seconds, format) ?? fallback ?? "";
  if (Number.isNaN(at.getTime())) return element;
  element.dateTime = at.toISOString();
  element.title = weekday(at) + ", " + clock(at);
  if (format.includes("{ago}")) Object.assign(element.dataset, { seconds, format });
  return element;
}

/** Rewrite every relative time on the page that reads differently by now. */
export function tick() {
  for (const element of document.querySelectorAll("time[data-format]")) {
    const words = formatted(Number(element.dataset.seconds), element.dataset.format);
    if (element.textContent !== words) element.textContent = words;
  }
}

/** "Today", "Yesterday", or the date, for the line between days. */
export function dayOf(ts) {
  const words = TOKENS.day_divider_pretty(new Date(Number(ts) * 1000));
  return words[0].toUpperCase() + words.slice(1);
}
