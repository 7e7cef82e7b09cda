/** Nothing moves under a finger: what would be drawn between press and release is drawn right after. */

const LONGEST_MS = 10000; // a release that never comes, as after a press on a scroll bar, is not waited for any longer
const CLICK_MS = 50; // how long after a finger the click of a tap may come

const waiting = new Set();
let isDown = false;
let timer;

/** `draw`, put off to the release while something is pressed. */
export function steadily(draw) {
  return () => void (isDown ? waiting.add(draw) : draw());
}

function endsIn(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    isDown = false;
    const drawings = [...waiting];
    waiting.clear();
    for (const draw of drawings) draw();
  }, milliseconds);
}

const listen = (kind, listener) => window.addEventListener(kind, listener, true);

listen("pointerdown", () => {
  isDown = true;
  endsIn(LONGEST_MS);
});
listen("pointerup", () => endsIn(CLICK_MS));
listen("pointercancel", () => endsIn(CLICK_MS));
listen("pointermove", (event) => isDown && !event.buttons && endsIn(CLICK_MS)); // released where we were not told
listen("click", () => {
  isDown = false; // what the click does is seen at once
  endsIn(0);
});
