// The place in the page, which is the part of the address after #, and the moment of the training.

const state = { moment: Math.max(0, index.moments.length - 1), view: null };
const main = document.getElementById("main");

// #conv5, #conv5/112, #class=coins, #photograph=3 or #photograph=3@40,52: row and column in pixels of the image.
function readAddress(hash) {
  let text = hash.replace(/^#/, "");
  try {
    text = decodeURIComponent(text);
  } catch {
    text = "";
  }
  if (text.startsWith("class=")) return { view: "class", name: text.slice(6) };
  if (text.startsWith("photograph=")) {
    const [, photograph, row, column] = text.match(/^photograph=(\d*)(?:@(\d+),(\d+))?/);
    return {
      view: "photograph",
      photograph: photograph === "" || photograph >= index.photographs.length ? null : Number(photograph),
      place: row === undefined ? null : [Math.min(Number(row), index.size[0] - 1), Math.min(Number(column), index.size[1] - 1)],
    };
  }
  const named = index.layers.findIndex((layer) => layer.name === text);
  if (named >= 0) return { view: "layer", layer: named };
  // Names of layers may have slashes.
  const cut = text.lastIndexOf("/");
  const layer = index.layers.findIndex((each) => each.name === text.slice(0, cut));
  const unit = Number(text.slice(cut + 1));
  if (layer >= 0 && Number.isInteger(unit) && unit >= 0 && unit < index.layers[layer].units) return { view: "unit", layer, unit };
  return { view: "layer", layer: firstLayer(), unknown: text };
}

// The last layer of maps: its maps answer to whole things.
function firstLayer() {
  const maps = index.layers.map((layer) => layer.kind).lastIndexOf("map");
  return Math.max(0, maps);
}

let shown = 0;
async function show() {
  const turn = ++shown;
  const address = readAddress(location.hash);
  const views = { layer: layerView, unit: unitView, class: classView, photograph: photographView };
  let content;
  try {
    content = await views[address.view](address);
  } catch (error) {
    content = [make("p", { class: "bad" }, String(error.message || error))];
  }
  if (turn !== shown) return;
  const before = state.address;
  const wasInside = state.view === address.view && main.contains(document.activeElement);
  state.view = address.view;
  state.address = address;
  const tab = address.view === "unit" ? "layer" : address.view;
  for (const link of document.querySelectorAll("nav [data-view]")) {
    link.toggleAttribute("aria-current", link.dataset.view === tab);
  }
  main.replaceChildren(...content);
  showStill();
  document.title = `${main.querySelector("h2")?.textContent || ""} - ${index.about.model}`;
  if (!wasInside) window.scrollTo(0, 0);
  // Back in the layer, at the unit that was shown.
  const card = before?.view === "unit" && address.view === "layer" && before.layer === address.layer ? main.querySelector(`.card[data-unit="${before.unit}"]`) : null;
  card?.scrollIntoView({ block: "center" });
  card?.focus({ preventScroll: true });
}

// Moves all pictures that grow to the moment of the slider.
function showMoment(moment) {
  state.moment = Math.min(Math.max(moment, 0), index.moments.length - 1);
  const slider = document.getElementById("moment");
  slider.value = state.moment;
  slider.setAttribute("aria-valuetext", index.moments[state.moment]);
  document.getElementById("title-of-moment").textContent = index.moments[state.moment];
  for (const each of document.querySelectorAll("[data-moves]")) each.move();
  showStill();
}

// Says what does not move.
function showStill() {
  if (!index.moments.length) return;  // Then there is no slider, and no place for words beside it.
  const { view, layer } = state.address || {};
  const last = index.moments.at(-1);
  const isEarlier = state.moment < index.moments.length - 1;
  let words = "";
  if (layer !== undefined && !index.layers[layer].grows) words = `The training kept no weights of ${index.layers[layer].name}: it stays.`;
  else if (isEarlier && view === "photograph") words = `The units, their percentages and the framed projections are those of ${last}.`;
  else if (isEarlier) words = `Only projections move; everything else is that of ${last}. Grey: not active then.`;
  document.getElementById("still").textContent = words;
}
