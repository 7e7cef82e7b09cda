// Draws elements. Text goes in as text only: nothing here, or anywhere in the widget, parses markup.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function icon(path) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const drawn = document.createElementNS(namespace, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}

const ICONS = {
  chat: "M12 3.5c5 0 9 3.4 9 7.7s-4 7.7-9 7.7c-1 0-2-.1-2.9-.4L4.5 21l.9-3.9C3.9 15.7 3 13.5 3 11.2c0-4.3 4-7.7 9-7.7z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5.5 16-3-6.5z",
  more: "M12 5v14M5 12h14",
};

// Web addresses inside a team's reply become links that show exactly where they lead.
function withLinks(text) {
  const pieces = text.split(/(https?:\/\/[^\s<>"'`|\\^{}]+[^\s<>"'`|\\^{}.,:;!?)\]])/u);
  return pieces.map((piece, index) => (index % 2 ? outwardLink(piece, piece) : document.createTextNode(piece)));
}

function outwardLink(address, words) {
  if (!/^https?:\/\//i.test(address)) return document.createTextNode(words);
  const link = element("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" });
  link.textContent = words;
  return link;
}
