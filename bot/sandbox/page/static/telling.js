/** Telling the app what was pressed and chosen: in each place one after the other, and no choice is lost on the way. */

const lines = new Map(); // place -> the last thing told there, as a promise
const presses = new Set(); // elements that wait for the app's answer
const choices = new Map(); // menus and boxes -> the values chosen, until the state has them

const keyOf = (ctx, element, block) =>
  JSON.stringify([ctx.names.me(), ctx.place.key, block.block_id, element.action_id]);
const waits = (key) => presses.has(key) || choices.has(key);

/** Do `work` once everything told in that place before has been answered. */
export function inTurn(place, work) {
  const mine = (lines.get(place) ?? Promise.resolve()).then(work);
  const over = () => lines.get(place) === line && lines.delete(place);
  const line = mine.then(over, over);
  lines.set(place, line);
  return mine;
}

/** Whether the app has not answered the last press yet: till then the element cannot be pressed again. */
export const isPressed = (ctx, element, block) => presses.has(keyOf(ctx, element, block));

/** The values last chosen there, while they are on their way; then the state has them. */
export const onTheirWay = (ctx, element, block) => choices.get(keyOf(ctx, element, block));

/** Tell the app of a press; until it has answered, the element says so, and another press is none. */
export async function press(verb, ctx, element, block, values) {
  const key = keyOf(ctx, element, block);
  if (presses.has(key)) return;
  presses.add(key);
  await tell(verb, ctx, element, block, { values }, () => presses.delete(key));
}

/** Tell the app of a choice, after all that was chosen before it. */
export async function choose(ctx, element, block, values) {
  ctx.keep?.(values);
  if (ctx.keep && !block.dispatch_action) return;
  const key = keyOf(ctx, element, block);
  choices.set(key, values);
  await tell("choose", ctx, element, block, { values }, () => choices.get(key) === values && choices.delete(key));
}

/** Tell the app of words whose Enter it asked to be told of. */
export const enter = (ctx, element, block, text) => tell("type", ctx, element, block, { text }, () => {});

async function tell(verb, ctx, element, block, what, forget) {
  const told = { as: ctx.names.me(), action_id: element.action_id, block_id: block.block_id, ...what };
  const key = keyOf(ctx, element, block);
  let seen;
  showWaiting(key);
  try {
    seen = await inTurn(ctx.place.key, () => ctx.say(verb, told));
  } finally {
    forget();
    showWaiting(key);
  }
  ctx.saw(told, seen);
}

/** Let what is drawn say that the app has not answered yet, also when it is drawn anew meanwhile. */
export function sayingWhenItWaits(drawn, ctx, element, block) {
  drawn.dataset.waits = keyOf(ctx, element, block);
  drawn.ariaBusy = waits(drawn.dataset.waits) ? "true" : null;
  return drawn;
}

function showWaiting(key) {
  for (const drawn of document.querySelectorAll(`[data-waits="${CSS.escape(key)}"]`))
    drawn.ariaBusy = waits(key) ? "true" : null;
}
