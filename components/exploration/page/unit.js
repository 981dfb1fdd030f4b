// One unit: its nine strongest examples, the classes that it answers to, and its growth.

async function unitView({ layer: number, unit }) {
  const layer = index.layers[number];
  const numbers = await loadNumbers(`layer-${number}`);
  const living = orderedUnits(number, numbers);
  const place = living.indexOf(unit);
  const links = make(
    "nav",
    { "aria-label": "Neighbours", class: "chips" },
    make("a", { href: linkTo(number), class: "chip" }, `all of ${layer.name}`),
    place > 0 ? make("a", { href: linkTo(number, living[place - 1]), class: "chip", id: "before" }, `← ${living[place - 1]}`) : null,
    place >= 0 && place + 1 < living.length
      ? make("a", { href: linkTo(number, living[place + 1]), class: "chip", id: "after" }, `${living[place + 1]} →`)
      : null,
  );
  const heading = make("h2", {}, unitName(number, unit));
  if (place < 0) {
    const words = `This ${layer.kind} is never positive over the ${index.about.images.toLocaleString("en")} images: there is nothing to show.`;
    return [links, heading, make("p", {}, words)];
  }
  const examples = numbers.examples[unit];
  const nine = examples.map((image, rank) => example(number, unit, rank, numbers));
  return [
    links,
    heading,
    make(
      "div",
      { class: "columns" },
      make(
        "section",
        { "aria-label": "Strongest examples" },
        make("h3", {}, examples.length === 1 ? "Its strongest example" : `Its ${examples.length} strongest examples, at different places`),
        weakness(number, unit, numbers),
        examples.length < index.columns.shown ? make("p", { class: "quiet" }, "It is active at no other place of the images.") : null,
        make("div", { class: "nine" }, ...nine),
        layer.grows ? make("p", { class: "quiet" }, `The slider moves the first projection; the others are those of ${index.moments.at(-1)}. Grey: not active then.`) : null,
      ),
      make("section", { "aria-label": "Classes, check and growth" }, ...classBars(numbers.classes[unit]), ...checkOf(number, unit, numbers), ...growth(number, unit, numbers)),
    ),
  ];
}

function example(number, unit, rank, numbers) {
  const image = numbers.examples[unit][rank];
  const words = `${imageClass(image)}, activation ${numbers.values[unit][rank]}`;
  const enlarge = () => enlargeExample(number, unit, rank, numbers);
  return make(
    "button",
    { type: "button", class: "card", onclick: enlarge, title: `${imageName(image)}: ${words}` },
    tile(patchTile(number, unit, rank, numbers), `Patch ${rank + 1} of ${imageName(image)}: ${words}`),
    projection(number, unit, rank, words),
    make("span", { class: "words" }, imageClass(image)),
  );
}

// The projection of the strongest example moves with the slider; the others are those in the end, and fade while it is elsewhere.
function projection(number, unit, rank, words) {
  const { grows } = index.layers[number];
  const source = () => (rank || state.moment === index.moments.length - 1 || !grows ? projectionTile(number, unit, rank) : projectionThumb(number, unit));
  const canvas = tile(source(), `Projection ${rank + 1} of ${unitName(number, unit)}: ${words}`, { "data-moves": grows });
  canvas.move = () => (rank ? canvas.classList.toggle("still", state.moment < index.moments.length - 1) : paint(canvas, source()));
  if (grows) canvas.move();
  return canvas;
}

// Patch and projection as large as fits, and the image with the frame of what the unit sees.
function enlargeExample(number, unit, rank, numbers) {
  const dialog = document.getElementById("enlarged");
  const image = numbers.examples[unit][rank];
  const turn = (step) => enlargeExample(number, unit, (rank + step + numbers.examples[unit].length) % numbers.examples[unit].length, numbers);
  const figures = [
    [tile(patchTile(number, unit, rank, numbers), `Patch of ${imageName(image)}`), "patch"],
    [
      tile(projectionTile(number, unit, rank), `Projection of ${unitName(number, unit)}`),
      index.moments.length ? `projection, ${index.moments.at(-1)}` : "projection",
    ],
  ];
  if (image < index.images.pictured) {
    const whole = make("div", { class: "framed" }, tile(imageTile(image), imageName(image)));
    whole.append(frame(numbers.corners[unit][rank], index.layers[number].window));
    figures.push([whole, "image; the frame is what the unit sees"]);
  }
  dialog.replaceChildren(
    make("h3", {}, `${unitName(number, unit)}: example ${rank + 1} of ${numbers.examples[unit].length}`),
    make("p", { class: "quiet" }, `${imageName(image)} (${imageClass(image)}), activation ${numbers.values[unit][rank]}`),
    make("div", { class: "large" }, ...figures.map(([picture, words]) => make("figure", {}, picture, make("figcaption", {}, words)))),
    make(
      "p",
      {},
      make("button", { type: "button", onclick: () => turn(-1) }, "← stronger"),
      " ",
      make("button", { type: "button", onclick: () => turn(1) }, "weaker →"),
      " ",
      make("button", { type: "button", onclick: () => dialog.close() }, "close"),
    ),
  );
  dialog.turn = turn;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// A frame on an image, by its corner and size in pixels of the image.
function frame([top, left], [height, width], kind = "frame") {
  const box = make("div", { class: kind, "aria-hidden": "true" });
  const share = (value, axis) => `${(100 * value) / index.size[axis]}%`;
  const ends = [Math.min(top + height, index.size[0]), Math.min(left + width, index.size[1])];
  const starts = [Math.max(top, 0), Math.max(left, 0)];
  Object.assign(box.style, {
    top: share(starts[0], 0),
    left: share(starts[1], 1),
    height: share(ends[0] - starts[0], 0),
    width: share(ends[1] - starts[1], 1),
  });
  return box;
}

function level(share) {
  const bar = make("i", { class: "level", "aria-hidden": "true" }, make("i"));
  bar.firstChild.style.width = `${100 * Math.max(0, share)}%`;
  return bar;
}

function classBars(found) {
  const rows = found.map(([number, auc, share]) =>
    make(
      "tr",
      {},
      make("th", {}, make("a", { href: `#class=${encodeURIComponent(className(number))}` }, className(number))),
      // Half is chance, so that the bar begins there.
      make("td", {}, level(2 * auc - 1), ` ${auc.toFixed(2)}`),
      make("td", {}, percent(share)),
    ),
  );
  if (!rows.length) return [];
  const head = make("tr", {}, make("th", {}, "class"), make("th", {}, "AUC"), make("th", {}, "of its strongest"));
  const share = "Bars: the AUC above chance. The share: of its 100 strongest images, or of as many as the class has.";
  return [make("h3", {}, "Classes that it answers to"), make("table", {}, head, ...rows), make("p", { class: "quiet" }, share)];
}

// The strongest activation at each moment of the training, at one place: projections and curves.
function growth(number, unit, numbers) {
  if (!index.layers[number].grows) {
    const why = index.moments.length ? "the training kept no weights of this layer" : "the page was made without earlier moments of the training";
    return [make("h3", {}, "Growth"), make("p", { class: "quiet" }, `Not shown: ${why}.`)];
  }
  const first = appeared(numbers, unit);
  const strip = index.moments.map((title, moment) =>
    make(
      "button",
      { type: "button", class: "card", "data-moment": moment, onclick: () => showMoment(moment) },
      tile(projectionThumb(number, unit, moment), `Projection of ${unitName(number, unit)}, ${title}`),
      make("span", { class: "words" }, title),
    ),
  );
  const rule = "(likeness at least 0.5, and half of the last activation)";
  const words = first === 0 ? `It was there before the training ${rule}.` : `It appeared at ${index.moments[first]} ${rule}.`;
  const before =
    numbers.activations[unit][0] > 0
      ? `At the beginning (${index.moments[0]}), the projection has the likeness ${numbers.alike[unit][0].toFixed(2)}: that much was there before this training. `
      : "At the beginning it does not answer there. ";
  return [
    make("h3", {}, "Growth"),
    make("p", { class: "quiet", id: "appeared" }, `${words} ${before}`,
      "At every moment, the same place of the same image is projected."),
    make("div", { class: "strip" }, ...strip),
    curves(numbers.activations[unit], numbers.alike[unit]),
  ];
}

function curves(activations, alike) {
  const [width, height, margin, top] = [360, 165, 28, 44];
  const highest = Math.max(...activations) || 1;
  const across = (moment) => margin + (moment * (width - 2 * margin)) / Math.max(1, index.moments.length - 1);
  const up = (value) => height - margin - Math.max(0, value) * (height - margin - top);
  const line = (values, kind) => make("polyline", { class: kind, points: values.map((value, moment) => `${across(moment)},${up(value)}`).join(" ") });
  const words = index.moments.map((title, moment) => `${title}: ${activations[moment]}, ${alike[moment]}`).join("; ");
  const now = make("line", { class: "now", y1: up(1), y2: up(0) });
  const svg = make(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Activation and likeness to the last projection. ${words}`, "data-moves": true },
    make("line", { class: "axis", x1: across(0), x2: across(index.moments.length - 1), y1: up(0), y2: up(0) }),
    now,
    line(activations.map((value) => value / highest), "activation"),
    line(alike, "alike"),
    ...index.moments.map((title, moment) =>
      make("text", { x: across(moment), y: height - 10, "text-anchor": "middle" }, title.replace("epoch ", "").replace("untrained", "0")),
    ),
    make("text", { x: across(0), y: 14 }, `activation (top: ${highest})`),
    make("text", { x: across(0), y: 30, class: "dashed" }, "likeness to the last projection (dashed; top: 1)"),
  );
  svg.move = () => {
    now.setAttribute("x1", across(state.moment));
    now.setAttribute("x2", across(state.moment));
    for (const each of document.querySelectorAll("[data-moment]")) {
      each.toggleAttribute("aria-current", Number(each.dataset.moment) === state.moment);
    }
  };
  requestAnimationFrame(svg.move);
  return svg;
}
