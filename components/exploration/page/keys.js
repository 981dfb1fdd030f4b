// Keys, the sizes of pictures, and the help.

const SIZES = [40, 56, 72, 96, 128, 176];  // Of tiles in overviews, in pixels of the screen.
let size = matchMedia("(max-width: 48rem)").matches ? 1 : 2;

function resize(step) {
  size = Math.min(Math.max(size + step, 0), SIZES.length - 1);
  document.documentElement.style.setProperty("--tile", `${SIZES[size]}px`);
}

const HELP = [
  ["← →", "previous and next map, layer or photograph"],
  [", .", "earlier and later in the training"],
  ["+ -", "larger and smaller pictures"],
  ["/", "go to a class or a map: coins, conv5/112"],
  ["Esc", "back: from a map to its layer"],
  ["Tab, Enter", "from picture to picture, and open it"],
  ["?", "this list"],
];

function showHelp() {
  const dialog = document.getElementById("keys");
  const rows = HELP.map(([keys, words]) => make("tr", {}, make("th", {}, make("kbd", {}, keys)), make("td", {}, words)));
  dialog.replaceChildren(
    make("h3", {}, "Keys"),
    make("table", {}, ...rows),
    make("h3", {}, "Reading a projection"),
    make("p", {}, "A projection shows the pattern of the image that reaches the unit, passed back through the net to the pixels. Grey is 0; each projection has its own scale."),
    make("p", {}, "Look at the photographs first: what do they share? Then ask whether the projection marks the same thing."),
    make("p", {}, "The two bars under it: how far the activation falls without the pixels that it marks, and without as many others. A red bar and a \"?\" mean that ",
      "the first is hardly longer than the second: do not believe that projection."),
    make("button", { type: "button", onclick: () => dialog.close() }, "close"),
  );
  dialog.showModal();
}

// The place before or after this one.
function neighbour(step) {
  const { view, layer, photograph } = state.address;
  if (view === "unit") return document.getElementById(step < 0 ? "before" : "after")?.getAttribute("href");
  if (view === "layer" && index.layers[layer + step]) return linkTo(layer + step);
  if (view === "photograph" && photograph !== null && index.photographs[photograph + step] !== undefined) return `#photograph=${photograph + step}`;
  return null;
}

function above() {
  const { view, layer, photograph, name } = state.address;
  if (view === "unit") return linkTo(layer);
  if (view === "photograph" && photograph !== null) return "#photograph=";
  if (view === "class" && name) return "#class=";
  return null;
}

document.addEventListener("keydown", (event) => {
  const enlarged = document.getElementById("enlarged");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (enlarged.open) {
    if (step) enlarged.turn(step);
    return;
  }
  const isSlider = event.target.matches("[type=range]");
  if (document.querySelector("dialog[open]") || (event.target.matches("input, select, textarea") && (!isSlider || step))) return;
  const actions = {
    ",": () => index.moments.length && showMoment(state.moment - 1),
    ".": () => index.moments.length && showMoment(state.moment + 1),
    "+": () => resize(1),
    "=": () => resize(1),
    "-": () => resize(-1),
    "?": showHelp,
    "/": () => document.getElementById("query").focus(),
  };
  const target = step ? neighbour(step) : event.key === "Escape" ? above() : null;
  if (target) location.hash = target;
  else if (actions[event.key]) actions[event.key]();
  else return;
  event.preventDefault();
});
