// One layer: all of its units, each with its strongest patch and the projection.

// A map has appeared if its projection has this likeness to the last one, and its activation this share of the last one, from then on.
const ALIKE = 0.5;
const ACTIVE = 0.5;

const ORDERS = {
  number: { title: "number", by: (numbers, unit) => unit },
  class: { title: "class", by: (numbers, unit) => (numbers.classes[unit][0] ? className(numbers.classes[unit][0][0]).toLowerCase() : "~") },
  auc: { title: "how clearly it answers to a class", by: (numbers, unit) => -(numbers.classes[unit][0] || [0, 0])[1] },
  believed: { title: "how far to doubt its projection", by: (numbers, unit, number) => (isWeak(number, numbers, unit) ? -Infinity : needed(numbers, unit)) },
  appeared: { title: "when it appears", by: (numbers, unit) => appeared(numbers, unit) },
};

// The first moment from which on the projection looks like the last one, and the activation is not much weaker.
function appeared(numbers, unit) {
  const [alike, activations] = [numbers.alike[unit], numbers.activations[unit]];
  let first = alike.length - 1;
  while (first > 0 && alike[first - 1] >= ALIKE && activations[first - 1] >= ACTIVE * activations.at(-1)) first--;
  return first;
}

// Units that are ever positive, in an order.
function orderedUnits(number, numbers, order = state.order) {
  const by = (ORDERS[order] || ORDERS.number).by;
  if (order === "appeared" && !index.layers[number].grows) return livingUnits(index.layers[number]);
  const keys = new Map(livingUnits(index.layers[number]).map((unit) => [unit, by(numbers, unit, number)]));
  return [...keys.keys()].sort((one, other) => compare(keys.get(one), keys.get(other)) || one - other);
}

// What a card says in an order: the thing that it is ordered by.
const LINES = {
  appeared: (numbers, unit) => index.moments[appeared(numbers, unit)],
  believed: (numbers, unit) => (numbers.falls[unit] ? numbers.falls[unit].map(percent).join(" / ") : "not known"),
};
const LEGENDS = {
  appeared: "the moment at which it appeared, see the pages of the maps.",
  believed: "the fall of the activation without the pixels that the projection marks / without as many others. Almost dead ones come first.",
};

async function layerView({ layer: number, unknown }) {
  const layer = index.layers[number];
  const numbers = await loadNumbers(`layer-${number}`);
  const grid = make("div", { class: "grid" });
  const legend = make("span");
  const orders = Object.entries(ORDERS).filter(([name]) => name !== "appeared" || layer.grows);
  const chosen = orders.some(([name]) => name === state.order) ? state.order : "number";
  const select = make(
    "select",
    { id: "order", onchange: () => ((state.order = select.value), fill()) },
    ...orders.map(([name, order]) => make("option", { value: name, selected: name === chosen }, order.title)),
  );
  const fill = () => {
    const units = orderedUnits(number, numbers, select.value);
    grid.replaceChildren(...units.map((unit) => card(number, unit, numbers, LINES[select.value]?.(numbers, unit))));
    const names = layer.names ? "the class." : "the class that it answers to most, with the AUC: 0.5 is chance, 1 is perfect.";
    legend.textContent = `Below: ${LEGENDS[select.value] || names}`;
  };
  fill();
  const sees = layer.window[0] >= index.size[0] && layer.window[1] >= index.size[1] ? "the whole image" : `${layer.window.join(" x ")} pixels`;
  return [
    unknown ? make("p", { class: "bad" }, `There is no ${unknown} on this page.`) : null,
    layerLinks(number),
    make("h2", {}, layer.name),
    make(
      "p",
      { class: "quiet" },
      `${layer.units} ${layer.kind}s; each sees ${sees} of ${index.size.join(" x ")}. Left: the patch of its strongest activation over `,
      `${index.about.images.toLocaleString("en")} images of ${index.about.data}; right: that activation projected to pixels, grey is 0. `,
      legend,
      layer.dead.length ? ` Never positive: ${layer.kind} ${layer.dead.join(", ")}.` : "",
      layer.names ? " A unit is the score of one class before the softmax: the highest in an image wins, so a score may also be high in images of other classes." : "",
    ),
    make("details", {}, make("summary", {}, "How far can these projections be believed?"), make("p", {}, doubts(number, numbers)), make("p", {}, shuffledWords(numbers))),
    make("p", {}, make("label", { for: "order" }, "Order: "), select),
    grid,
  ].filter(Boolean);
}

function doubts(number, numbers) {
  const layer = index.layers[number];
  const bars = `Bars: how far the activation falls without the tenth of pixels that the projection marks (dark), and without as many others (grey).`;
  const doubtful = livingUnits(layer).filter((unit) => isDoubtful(numbers, unit));
  const count = doubtful.length === 1 ? "1 projection is" : `${doubtful.length} projections are`;
  const marked = doubtful.length
    ? `${count} marked in red and by "?": the ${layer.kind} needs the marked pixels hardly more than others. Do not believe ${doubtful.length === 1 ? "it" : "them"}.`
    : "No projection of this layer is marked as doubtful.";
  const weak = livingUnits(layer).filter((unit) => isWeak(number, numbers, unit));
  const dying = weak.length ? ` Almost dead, and marked too: ${layer.kind} ${weak.join(", ")}.` : "";
  return `${bars} ${marked}${dying}${isTooSmall(number) ? ` ${SMALL}` : ""}`;
}

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

function livingUnits(layer) {
  const dead = new Set(layer.dead);
  return [...Array(layer.units).keys()].filter((unit) => !dead.has(unit));
}

function layerLinks(current) {
  const links = index.layers.map((layer, number) =>
    make("a", { href: linkTo(number), class: "chip", "aria-current": number === current ? "page" : null }, layer.name),
  );
  return make("nav", { "aria-label": "Layers", class: "chips" }, ...links);
}

const caption = (unit, words, why = "", score = null) =>
  make(
    "span",
    { class: "caption" },
    make("span", { class: "number" }, String(unit), why ? make("span", { class: "bad", title: why }, " ?") : null),
    make("span", { class: "words", title: words }, words),
    score ? make("span", { class: "score" }, score) : null,
  );

// A link to a unit: its strongest patch, its projection, and a line of text.
function card(number, unit, numbers, line) {
  const layer = index.layers[number];
  const best = numbers.classes[unit][0];
  const words = line || (layer.names ? layer.names[unit] : best ? className(best[0]) : "");
  const score = !line && best && !layer.names ? best[1].toFixed(2) : null;
  return make(
    "a",
    { href: linkTo(number, unit), class: "card", "data-unit": unit },
    tile(patchThumb(number, unit), `Patch of ${imageClass(numbers.examples[unit][0])}, the strongest for ${unitName(number, unit)}`),
    movingProjection(number, unit, { "data-moves": layer.grows }),
    fallBars(numbers, unit),
    caption(unit, words, doubt(number, numbers, unit), score),
  );
}
