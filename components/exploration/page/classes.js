// Classes: which units of each layer answer to one.

const CHANCE = 0.5;  // The AUC of a unit that does not depend on the class.

const MOST_LISTED = 200, BESIDE = 60;  // Of more classes, those beside the chosen one are listed, so that what is below is in sight.

async function classView({ name }) {
  const number = index.classes.indexOf(name);
  const count = index.classes.length > MOST_LISTED ? BESIDE : index.classes.length;
  const first = Math.max(0, Math.min(number - count / 2, index.classes.length - count));
  const links = index.classes.slice(first, first + count).map((each) =>
    make("a", { href: `#class=${encodeURIComponent(each)}`, class: "chip", "aria-current": each === name ? "page" : null }, each),
  );
  const others = index.classes.length - links.length;
  const list = make("nav", { "aria-label": "Classes", class: "chips" }, ...links, ...(others ? [`and ${others.toLocaleString("en")} more: type a name above.`] : []));
  if (number < 0) {
    const words = name ? `There is no class ${name}.` : "Which maps answer to a class? Choose one, or type its name above.";
    return [make("h2", {}, "Classes"), make("p", { class: name ? "bad" : "quiet" }, words), list];
  }
  const sections = await Promise.all(index.layers.map((_, layer) => classSection(layer, number)));
  return [
    list,
    make("h2", {}, name),
    make(
      "p",
      { class: "quiet" },
      "The units that answer to this class most. Below each: its number; its AUC, how often it is stronger in an image of the ",
      "class than in another image (0.5 is chance, 1 is always); and the share of its 100 strongest images, or of as many as the class has, that are of the class.",
    ),
    ...sections.reverse().flat(),
  ];
}

async function classSection(layer, number) {
  const numbers = await loadNumbers(`layer-${layer}`);
  const found = (numbers.answering[number] || []).filter(([, auc]) => auc > CHANCE);
  const cards = found.map(([unit, auc, share]) => card(layer, unit, numbers, `${auc.toFixed(2)}, ${percent(share)}`));
  return cards.length ? [make("h3", {}, make("a", { href: linkTo(layer) }, index.layers[layer].name)), make("div", { class: "grid" }, ...cards)] : [];
}
