// Checks: does the unit need the pixels that its projection marks? Would an untaught net mark the same ones?

const FEW = 100;  // In a smaller field, a tenth of the pixels is few: each of them counts.

const isTooSmall = (number) => index.layers[number].window[0] * index.layers[number].window[1] < FEW;

// The difference of the two falls; more is better, and what is not known comes in between.
const needed = (numbers, unit) => (numbers.falls[unit] ? numbers.falls[unit][0] - numbers.falls[unit][1] : index.margin);
const isDoubtful = (numbers, unit) => needed(numbers, unit) < index.margin;

function fallWords([marked, others]) {
  return `Without the tenth of pixels that the projection marks, the activation falls by ${percent(marked)}; without as many others by ${percent(others)}.`;
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
  const heading = make("h3", {}, "Is its projection to be believed?");
  if (!falls) return [heading, make("p", { class: "quiet" }, "Not known: the projection is empty.")];
  const rows = [["the pixels that it marks", falls[0]], ["as many others that it sees", falls[1]]].map(([words, fall]) =>
    make("tr", {}, make("th", {}, words), make("td", {}, level(Math.min(fall, 1)), ` ${percent(fall)}`)),
  );
  const verdict = isDoubtful(numbers, unit)
    ? make("p", { class: "bad", id: "verdict" }, `No: this ${index.layers[number].kind} needs the pixels that its projection marks hardly more than others.`)
    : make("p", { class: "quiet", id: "verdict" }, "It needs the marked pixels more than others. That alone does not prove the picture: look at the photographs first.");
  return [
    heading,
    make("p", { class: "quiet" }, "How far the strongest activation falls if a tenth of the pixels that it sees get the mean colour:"),
    make("table", {}, ...rows),
    verdict,
    isTooSmall(number) ? make("p", { class: "quiet" }, SMALL) : null,
  ];
}

const SMALL = "In so small a field, every pixel counts, and the check says little: look at the filter itself.";

// Likeness of a layer's projections to those of a net that has learned nothing.
function shuffledWords(numbers) {
  if (!numbers.shuffled) return "";
  const [pattern, places] = numbers.shuffled.map((value) => value.toFixed(2));
  return (
    `With all weights shuffled, projections would still have the likeness ${places} in the places that they mark, and ${pattern} in the pattern ` +
    "(1 is the same, 0 unrelated): that much they show of any net."
  );
}
