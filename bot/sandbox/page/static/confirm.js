/** Block Kit's confirmation dialog. */

import { overlay } from "./dialog.js";
import { h } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/** Whether the person said yes to `confirm` (a Block Kit confirm object). */
export function confirmed(confirm, names) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      close();
      resolve(yes);
    };
    const words = confirm.text?.type === "mrkdwn" ? mrkdwn(confirm.text.text, names) : [plain(confirm.text)];
    const yes = h(
      "button",
      {
        type: "button",
        class: `button ${confirm.style === "danger" ? "danger-solid" : "primary"}`,
        onclick: () => answer(true),
      },
      plain(confirm.confirm) || "Yes",
    );
    const no = h(
      "button",
      { type: "button", class: "button", onclick: () => answer(false) },
      plain(confirm.deny) || "Cancel",
    );
    const box = h(
      "div",
      { class: "modal confirm" },
      h("h2", { id: "confirm-title" }, plain(confirm.title)),
      h("div", { class: "modal-body" }, ...words),
      h("div", { class: "modal-foot" }, no, yes),
    );
    const close = overlay(box, () => answer(false), { labelledBy: "confirm-title", kind: "alertdialog" });
    yes.focus();
  });
}
