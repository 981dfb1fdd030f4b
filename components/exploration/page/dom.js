// Elements, and tiles: canvases that show one tile of a sheet, or a part of it.

const PIXELATED = 32;  // Tiles up to this side are drawn pixel by pixel.

// Makes an element. Text is never read as HTML: names of classes and files come from the data.
function make(tag, attributes = {}, ...children) {
  const space = SVG_TAGS.has(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
const SVG_TAGS = new Set(["svg", "polyline", "line", "circle", "text", "g", "rect"]);

// A source names a tile: `sheet`, `size` [height, width], `columns`, `place`; and perhaps a `part` of it, [top, left, height, width].
function tile(source, label, attributes = {}) {
  const canvas = make("canvas", { role: "img", "aria-label": label, ...attributes });
  paint(canvas, source);
  return canvas;
}

async function paint(canvas, source) {
  canvas.source = source;
  const [height, width] = source.size;
  const [top, left, h, w] = source.part || [0, 0, height, width];
  const [pitchHigh, pitchWide] = Math.max(height, width) <= index.block ? source.size : source.size.map((length) => Math.ceil(length / index.block) * index.block);
  const together = source.columns * Math.max(1, Math.floor(index.side / pitchHigh));
  const place = source.place % together;
  const [row, column] = [Math.floor(place / source.columns), place % source.columns];
  const [pixelsHigh, pixelsWide] = [Math.max(1, Math.round(h)), Math.max(1, Math.round(w))];
  if (!canvas.isPainted) Object.assign(canvas, { height: pixelsHigh, width: pixelsWide });
  const picture = await loadPicture(`${source.sheet}-${Math.floor(source.place / together)}`);
  if (canvas.source !== source) return;  // It shows something else by now.
  Object.assign(canvas, { height: pixelsHigh, width: pixelsWide, isPainted: true });
  canvas.classList.toggle("pixelated", Math.max(h, w) <= PIXELATED);
  canvas.getContext("2d").drawImage(picture, column * pitchWide + Math.floor((pitchWide - width) / 2) + left, row * pitchHigh + Math.floor((pitchHigh - height) / 2) + top, w, h, 0, 0, pixelsWide, pixelsHigh);
}

// Sources.
const overviewColumns = (layer) => Math.ceil(Math.sqrt(layer.units));
function projectionThumb(number, unit, moment = state.moment) {
  const layer = index.layers[number];
  const isEarlier = layer.grows && moment < index.moments.length - 1;
  const sheet = isEarlier ? `moment-${moment}-${number}` : `projection-${number}`;
  return { sheet, size: layer.thumb, columns: overviewColumns(layer), place: unit };
}
function patchThumb(number, unit) {
  const layer = index.layers[number];
  return { sheet: `photograph-${number}`, size: layer.thumb, columns: overviewColumns(layer), place: unit };
}
function projectionTile(number, unit, rank) {
  const shown = index.columns.shown;
  return { sheet: `nine-${number}`, size: index.layers[number].tile, columns: shown, place: unit * shown + rank };
}
function patchTile(number, unit, rank, numbers) {
  if (index.layers[number].patches) return { ...projectionTile(number, unit, rank), sheet: `patch-${number}` };
  const scale = index.stored[0] / index.size[0];
  const part = [...numbers.corners[unit][rank], ...index.layers[number].window].map((value) => value * scale);
  return { ...imageTile(numbers.examples[unit][rank]), part };
}
const imageTile = (image) => ({ sheet: "image", size: index.stored, columns: index.columns.images, place: image });

// A projection that moves with the slider.
function movingProjection(number, unit, attributes = {}) {
  const label = () => `Projection of ${unitName(number, unit)}${index.layers[number].grows ? `, ${index.moments[state.moment]}` : ""}`;
  const canvas = tile(projectionThumb(number, unit), label(), attributes);
  canvas.move = () => {
    canvas.setAttribute("aria-label", label());
    return paint(canvas, projectionThumb(number, unit));
  };
  return canvas;
}

// Names.
function unitName(number, unit) {
  const layer = index.layers[number];
  return `${layer.name}, ${layer.kind} ${unit}${layer.names ? ` (${layer.names[unit]})` : ""}`;
}
const className = (number) => index.classes[number];
const percent = (value) => `${Math.round(100 * value)} %`;
const linkTo = (number, unit) => `#${encodeURI(index.layers[number].name)}${unit === undefined ? "" : `/${unit}`}`;
const imageName = (image) => index.images.names[image];
const imageClass = (image) => className(index.images.classes[image]);
