/** The few emoji codes that turn up in a support desk; any other code stays as it was written. */

const KNOWN = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", wave: "👋", eyes: "👀", tada: "🎉", rocket: "🚀", heart: "❤️",
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", bell: "🔔", fire: "🔥",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", clock3: "🕒", memo: "📝", pencil2: "✏️", mag: "🔍", robot_face: "🤖",
  smile: "😄", slightly_smiling_face: "🙂", cry: "😢", rage: "😡", pray: "🙏", raised_hands: "🙌", point_right: "👉",
  package: "📦", envelope: "✉️", star: "⭐", sparkles: "✨", bulb: "💡", speech_balloon: "💬", bar_chart: "📊",
  red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", large_blue_circle: "🔵", no_entry: "⛔",
  pause_button: "⏸️", arrow_forward: "▶️", leftwards_arrow_with_hook: "↩️", information_source: "ℹ️", tent: "⛺",
};

/** The character of an emoji code without its colons, or null. */
export function emoji(name) {
  return Object.hasOwn(KNOWN, name) ? KNOWN[name] : null;
}
