// Photographs: click on a place, and see the units whose receptive fields cover it.

const LISTED = 8;  // Units of a layer.
const STEP = 4;  // Pixels that an arrow key moves the place.

async function photographView({ photograph, place }) {
  const all = make(
    "nav",
    { "aria-label": "Photographs", class: "chips photographs" },
    ...index.photographs.map((image, number) =>
      make(
        "a",
        { href: `#photograph=${number}`, "aria-current": number === photograph ? "page" : null },
        tile(imageTile(image), `${imageName(image)}, ${imageClass(image)}`),
      ),
    ),
  );
  if (photograph === null) {
    return [make("h2", {}, "Photographs"), make("p", { class: "quiet" }, "What fires here, and where? Choose a photograph, then click on a place of it."), all];
  }
  const layers = await loadNumbers(`photograph-${photograph}`);
  const numbers = await Promise.all(index.layers.map((_, number) => loadNumbers(`layer-${number}`)));
  const shares = await Promise.all(layers.map((layer) => inflate(layer.shares)));
  const image = index.photographs[photograph];
  const where = place || index.size.map((length) => Math.floor(length / 2));
  const answers = make("div", { id: "answers" });
  const picture = make("div", { class: "framed", id: "photograph", tabindex: "0", role: "application" }, tile(imageTile(image), imageName(image)));
  picture.setAttribute("aria-label", `${imageName(image)}, ${imageClass(image)}. Arrow keys move the place.`);
  const onlyMiddle = make("input", { type: "checkbox", id: "middle", checked: state.onlyMiddle !== false, onchange: () => ((state.onlyMiddle = onlyMiddle.checked), fill()) });
  const heat = make("canvas", { class: "heat", "aria-hidden": "true" });
  picture.append(heat);

  function mark(...boxes) {
    for (const old of picture.querySelectorAll(".frame, .place")) old.remove();
    picture.append(frame([where[0] - 1, where[1] - 1], [3, 3], "place"), ...boxes);
  }

  function fill() {
    heat.hidden = true;
    mark();
    const rows = layers.map((layer, number) => answering(layer, shares[number], where, onlyMiddle.checked).slice(0, LISTED));
    const point = (number, found) => {
      const layer = layers[number];
      drawHeat(heat, layer, shares[number], found.unit);
      mark(layer.stride ? frame(fieldCorner(layer, found.row, found.column), layer.size) : frame([0, 0], index.size));
    };
    const sections = rows.map((found, number) => [
      make("h3", {}, make("a", { href: linkTo(number) }, index.layers[number].name)),
      found.length
        ? make("div", { class: "grid" }, ...found.map((each) => answerCard(photograph, number, layers[number], numbers[number], each, where, () => point(number, each))))
        : make("p", { class: "quiet" }, "No unit answers here."),
    ]);
    answers.replaceChildren(...sections.reverse().flat());
  }

  function goTo(row, column) {
    [row, column].forEach((value, axis) => (where[axis] = Math.min(Math.max(Math.round(value), 0), index.size[axis] - 1)));
    history.replaceState(null, "", `#photograph=${photograph}@${where.join(",")}`);
    fill();
  }

  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    goTo(((event.clientY - box.top) / box.height) * index.size[0], ((event.clientX - box.left) / box.width) * index.size[1]);
  });
  picture.addEventListener("keydown", (event) => {
    const moves = { ArrowUp: [-STEP, 0], ArrowDown: [STEP, 0], ArrowLeft: [0, -STEP], ArrowRight: [0, STEP] };
    if (!moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    goTo(where[0] + moves[event.key][0], where[1] + moves[event.key][1]);
  });
  fill();
  return [
    make("h2", {}, `${imageClass(image)}: what fires here?`),
    make(
      "div",
      { class: "columns photograph" },
      make(
        "section",
        { "aria-label": "Photograph", class: "sticky" },
        picture,
        make("p", { class: "quiet" }, `${imageName(image)}. Click on a place. Point at a unit, or go to it with Tab: the frame is what it sees, and it is active at the bright places.`),
        make("p", {}, make("label", {}, onlyMiddle, " only units that have the place in the middle of their field")),
      ),
      make(
        "section",
        { "aria-label": "Units" },
        make(
          "p",
          { class: "quiet" },
          "Units whose receptive fields cover the place, the strongest first; 100 % is the unit's strongest activation over all images. ",
          "Left: the patch in which the unit is strongest. Right, with a red frame: the projection of its strongest place in this photograph; without a frame: ",
          "the projection of that patch, since the page has none of this photograph that covers the place.",
        ),
        answers,
      ),
    ),
    make("h3", {}, "Other photographs"),
    all,
  ];
}

const fieldCorner = (layer, row, column) => [row * layer.stride[0] + layer.offset[0], column * layer.stride[1] + layer.offset[1]];

// Rows or columns whose windows cover a pixel: the whole window, or the middle half of it, more where windows are far apart.
function covering(layer, axis, pixel, onlyMiddle) {
  const count = layer.grid[axis];
  if (!layer.stride) return [...Array(count).keys()];
  const inset = onlyMiddle ? Math.max(0, Math.min(layer.size[axis] / 4, (layer.size[axis] - layer.stride[axis]) / 2)) : 0;
  return [...Array(count).keys()].filter((number) => {
    const start = number * layer.stride[axis] + layer.offset[axis];
    return start + inset <= pixel && pixel < start + layer.size[axis] - inset;
  });
}

// Units that are active in a window that covers a place: unit, share, and the row and column of the strongest such window.
function answering(layer, shares, [row, column], onlyMiddle) {
  const [, columns, units] = layer.grid;
  const best = new Map();
  for (const r of covering(layer, 0, row, onlyMiddle)) {
    for (const c of covering(layer, 1, column, onlyMiddle)) {
      const start = (r * columns + c) * units;
      for (let unit = 0; unit < units; unit++) {
        const share = shares[start + unit];
        if (share > (best.get(unit)?.share || 0)) best.set(unit, { unit, share, row: r, column: c });
      }
    }
  }
  return [...best.values()].sort((one, other) => other.share - one.share || one.unit - other.unit);
}

function answerCard(photograph, number, layer, numbers, found, [row, column], point) {
  const stored = layer.units.indexOf(found.unit);
  const [top, left] = stored >= 0 ? layer.corners[stored] : [0, 0];
  const [height, width] = index.layers[number].window;
  const isHere = stored >= 0 && top <= row && row < top + height && left <= column && column < left + width;
  const source = { sheet: `here-${photograph}-${number}`, size: index.layers[number].tile, columns: index.columns.images, place: stored };
  const words = `${percent(found.share / 255)}${index.layers[number].names ? ` ${index.layers[number].names[found.unit]}` : ""}`;
  return make(
    "a",
    { href: linkTo(number, found.unit), class: "card", "data-unit": found.unit, onpointerenter: point, onfocus: point },
    tile(patchThumb(number, found.unit), `Strongest patch of ${unitName(number, found.unit)}`),
    isHere
      ? tile(source, `Projection of ${unitName(number, found.unit)} in this photograph`, { class: "here" })
      : tile(projectionThumb(number, found.unit, index.moments.length - 1), `Projection of ${unitName(number, found.unit)}`),
    caption(found.unit, words, doubt(number, numbers, found.unit)),
  );
}

// Where a unit is active, each place at the middle of its window.
function drawHeat(canvas, layer, shares, unit) {
  const [rows, columns, units] = layer.grid;
  canvas.hidden = !layer.stride;
  if (!layer.stride) return;
  Object.assign(canvas, { height: index.size[0], width: index.size[1] });
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(0 0 0 / 55%)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = "destination-out";
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [top, left] = fieldCorner(layer, row, column);
      context.fillStyle = `rgb(0 0 0 / ${shares[(row * columns + column) * units + unit] / 255})`;
      const y = top + (layer.size[0] - layer.stride[0]) / 2;
      const x = left + (layer.size[1] - layer.stride[1]) / 2;
      context.fillRect(Math.round(x), Math.round(y), layer.stride[1], layer.stride[0]);
    }
  }
}
