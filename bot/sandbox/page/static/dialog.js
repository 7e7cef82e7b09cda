/**
 * What lies over Slack: it holds the focus, Escape leaves it, and focus goes back to where it came from, also when that
 * was drawn anew meanwhile. It leaves the customers' side free, so that one person can write as the customer while an
 * agent's form is open.
 */

import { h, part } from "./dom.js";

const FOCUSABLE =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex="0"]';

/** Show `box` over everything else. `leave` is called on Escape and on a press beside it. Returns what takes it away. */
export function overlay(box, leave, { labelledBy, kind = "dialog" } = {}) {
  const from = document.activeElement;
  const home = from?.closest("[data-key]");
  const list = home?.parentElement;
  box.setAttribute("role", kind);
  box.setAttribute("aria-modal", "true");
  if (labelledBy) box.setAttribute("aria-labelledby", labelledBy);
  box.tabIndex = -1;
  const shade = h("div", { class: "shade" }, box);
  shade.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      event.preventDefault();
      leave();
    } else if (event.key === "Tab") trap(event, box);
  });
  shade.addEventListener("pointerdown", (event) => event.target === shade && event.preventDefault());
  const slack = document.querySelector(".slack");
  const below = [...slack.children].filter((each) => !each.inert);
  for (const each of below) each.inert = true;
  slack.append(shade);
  return () => {
    shade.remove();
    for (const each of below) each.inert = false;
    if (from?.isConnected) return from.focus({ preventScroll: true });
    const successor = list && part(list, "key", home.dataset.key);
    return successor && (part(successor, "focus", from.dataset.focus) ?? successor).focus({ preventScroll: true });
  };
}

function trap(event, box) {
  const all = [...box.querySelectorAll(FOCUSABLE)].filter((each) => each.offsetParent !== null);
  if (!all.length) return event.preventDefault();
  const at = document.activeElement;
  const last = all[all.length - 1];
  if (event.shiftKey && (at === all[0] || at === box)) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && at === last) {
    event.preventDefault();
    all[0].focus();
  }
}
