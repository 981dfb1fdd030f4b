// Checks: does the unit need the pixels that its projection marks? Would a net that has learned nothing mark the same ones?

const FEW = 100;  // In a smaller field, a tenth of the pixels is few: each of them counts.

const isTooSmall = (number) => index.layers[number].window[0] * index.layers[number].window[1] < FEW;

// How much further the activation falls without the marked pixels than without others; what is not known comes in between.
function needed(numbers, unit) {
  const falls = numbers.falls[unit];
  return falls ? falls[0] - Math.max(falls[1], 0) : index.margin;
}
const isDoubtful = (numbers, unit) => needed(numbers, unit) < index.margin;

const change = (fall) => (fall < 0 ? `rises ${percent(-fall)}` : `falls ${percent(fall)}`);
const fallWords = ([marked, others]) =>
  `Without the tenth of pixels that the projection marks, the activation ${change(marked)}; without as many others, it ${change(others)}.`;

const WEAK = 0.2;  // Share of the middle unit's strongest activation below which a unit is almost dead.

// The strongest activation of the middle unit of a layer.
const middles = new Map();
function middleStrength(number, numbers) {
  if (!middles.has(number)) {
    const strongest = livingUnits(index.layers[number]).map((unit) => numbers.values[unit][0]).sort((one, other) => one - other);
    middles.set(number, strongest[Math.floor(strongest.length / 2)]);
  }
  return middles.get(number);
}
const isWeak = (number, numbers, unit) => numbers.values[unit][0] < WEAK * middleStrength(number, numbers);

// Why not to believe a unit's pictures; empty if there is no reason.
function doubt(number, numbers, unit) {
  if (isWeak(number, numbers, unit)) return "Almost dead: its pictures say little.";
  return isDoubtful(numbers, unit) ? "Do not believe this projection." : "";
}

// Two thin bars below each other: the fall without the marked pixels, and without others.
function fallBars(numbers, unit) {
  const falls = numbers.falls[unit];
  if (!falls) return null;
  const bars = make("span", { class: isDoubtful(numbers, unit) ? "falls doubtful" : "falls", role: "img", "aria-label": fallWords(falls), title: fallWords(falls) }, make("i"), make("i"));
  falls.forEach((fall, place) => (bars.children[place].style.width = `${100 * Math.min(Math.max(fall, 0), 1)}%`));
  return bars;
}

// The check of a unit's first projection, in words.
function checkOf(number, unit, numbers) {
  const falls = numbers.falls[unit];
  const heading = make("h3", {}, "Can its projection be believed?");
  if (!falls) return [heading, make("p", { class: "quiet" }, "Not known: the projection is empty.")];
  const rows = [["without the marked pixels", falls[0]], ["without as many others", falls[1]]].map(([words, fall]) =>
    make("tr", {}, make("th", {}, words), make("td", {}, level(Math.min(fall, 1)), ` ${change(fall)}`)),
  );
  const verdict = isDoubtful(numbers, unit)
    ? make("p", { class: "bad", id: "verdict" }, `No: without the marked pixels, it falls less than ${percent(index.margin)} further than without others.`)
    : isWeak(number, numbers, unit)
      ? make("p", { class: "bad", id: "verdict" }, "No: it is almost dead.")
      : make("p", { class: "quiet", id: "verdict" }, "It needs the marked pixels more than others. That alone does not prove the picture: look at the photographs first.");
  return [
    heading,
    make("p", { class: "quiet" }, `How the strongest activation changes if a tenth of the pixels that the ${index.layers[number].kind} sees is set to the mean colour:`),
    make("table", {}, ...rows),
    verdict,
    isTooSmall(number) ? make("p", { class: "quiet" }, SMALL) : null,
  ];
}

const SMALL = "In so small a field, every pixel counts, and the check says little: look at the filter itself.";

// A warning about a unit that hardly ever fires: its examples and its projection say little.
function weakness(number, unit, numbers) {
  if (!isWeak(number, numbers, unit)) return null;
  const [own, middle] = [numbers.values[unit][0], middleStrength(number, numbers)];
  const words = `Almost dead: its strongest activation is ${own}, that of the middle ${index.layers[number].kind} of this layer ${middle}.`;
  return make("p", { class: "bad" }, `${words} Its pictures say little.`);
}

// Likeness of a layer's projections to those of a net that has learned nothing.
function shuffledWords(numbers) {
  if (!numbers.shuffled) return "";
  const [pattern, places] = numbers.shuffled.map((value) => value.toFixed(2));
  return (
    `With all weights shuffled, projections would still mark similar places (rank correlation ${places}), in a pattern with the rank correlation ` +
    `${pattern}: 1 is the same, 0 unrelated. So much of a projection does not come from what the net has learned.`
  );
}
