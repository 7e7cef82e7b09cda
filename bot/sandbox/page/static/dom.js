/** Elements out of values. Words only ever become text nodes: nothing here reads markup. */

const SVG = "http://www.w3.org/2000/svg";

/** `h("button", {class: "x", onclick: f, disabled: true, "aria-label": "…"}, "words", child, null)` */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

const ICONS = {
  hash: "M7.5 3 6 17M14 3l-1.500 14M3.500 7.500h13.500M3 12.500h13.500",
  lock: "M6 9V6.500a4 4 0 0 1 8 0V9M4.500 9h11v8h-11z",
  home: "M3 9.500 10 3.500l7 6V17h-4.500v-4.500h-5V17H3z",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12.500 4 6.500 10l6 6",
  down: "M5.500 8l4.500 4.500L14.500 8",
  send: "M3.500 3.500 17 10 3.500 16.500 5 10zM5 10h5.500",
  more: "M4.500 10h.01M10 10h.01M15.500 10h.01",
  thread: "M3.500 4h13v9.500H9L5.500 16.500v-3h-2z",
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  check: "M4 10.500l4 4 8-9",
  eye: "M2 10s3-5.500 8-5.500S18 10 18 10s-3 5.500-8 5.500S2 10 2 10zM10 12.250a2.250 2.250 0 1 0 0-4.500 2.250 2.250 0 0 0 0 4.500z",
  sun: "M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600 16 16M4 16l1.400-1.400M14.600 5.400 16 4",
  moon: "M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500z",
  gauge: "M3 14a7 7 0 1 1 14 0M10 14l3.500-4.500",
  alert: "M10 3 2.500 16.500h15zM10 8v4M10 14.250h.01",
  guide:
    "M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15zM7.750 7.750a2.250 2.250 0 1 1 3.250 2c-.7.400-1 .8-1 1.600M10 14h.01",
  person: "M10 10a3.250 3.250 0 1 0 0-6.500 3.250 3.250 0 0 0 0 6.500zM3.500 17c.5-3.500 3-5 6.500-5s6 1.500 6.500 5",
};

/** A small line drawing; always beside words or inside something labelled. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 20 20",
    class: `icon icon-${name}`,
    "aria-hidden": "true",
  })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Make `container` show `entries` ({key, mark, build}), building anew only what is new or whose mark changed, so that
 * scroll, focus and half-chosen menus elsewhere stay. Focus and an open menu inside a rebuilt one go to its successor's
 * same part.
 */
export function keyed(container, entries) {
  const keys = new Set(entries.map(({ key }) => key));
  for (const child of [...container.children]) if (!keys.has(child.dataset.key)) child.remove();
  const before = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let place = container.firstElementChild;
  for (const { key, mark, build } of entries) {
    let child = before.get(key);
    if (child?.keyedMark !== mark) {
      const fresh = build();
      fresh.dataset.key = key;
      fresh.keyedMark = mark;
      if (child === place) place = fresh;
      if (child) replace(child, fresh);
      child = fresh;
    }
    if (child === place) place = place.nextElementSibling;
    else container.insertBefore(child, place);
  }
}

function replace(old, fresh) {
  const focused = document.activeElement;
  const had = old.contains(focused);
  const open = old.querySelector("[aria-haspopup=menu][aria-expanded=true]");
  open?.click(); // closed, and opened again as it is drawn now
  old.replaceWith(fresh);
  if (open) part(fresh, "focus", open.dataset.focus)?.click();
  if (!had && !open) return;
  const same = had
    ? (part(fresh, "focus", focused.dataset.focus) ?? part(fresh, "item", focused.dataset.item))
    : focused;
  if (same && !same.disabled) same.focus({ preventScroll: true });
  else if (!fresh.contains(document.activeElement)) fresh.focus({ preventScroll: true });
}

/** What carries that word in its dataset, within an element; null where nothing does. */
export function part(element, name, word) {
  return word === undefined ? null : element.querySelector(`[data-${name}="${CSS.escape(word)}"]`);
}

/** Close on Escape, on a click elsewhere, and when focus leaves. Returns the function that takes it all back. */
export function dismissable(element, anchor, close) {
  const onKey = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
    anchor.focus();
  };
  const onPress = (event) => {
    if (!element.contains(event.target) && !anchor.contains(event.target)) close();
  };
  element.addEventListener("keydown", onKey);
  document.addEventListener("pointerdown", onPress, true);
  return () => document.removeEventListener("pointerdown", onPress, true);
}

/** Arrow keys, Home and End move focus among `items()`. */
export function arrows(element, items) {
  element.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all.length || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    event.stopPropagation();
    all[(to + all.length) % all.length].focus();
  });
}
