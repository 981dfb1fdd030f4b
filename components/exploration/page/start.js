// The head of the page: search, slider and buttons. Then the first view.

document.getElementById("title").textContent = index.about.model;

const query = document.getElementById("query");
query.placeholder = `${index.classes[0]}, ${index.layers[firstLayer()].name}/7`;
document.getElementById("names").append(
  ...[...index.classes, ...index.layers.map((layer) => layer.name)].map((name) => make("option", { value: name })),
);
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = query.value.trim().toLowerCase();
  const found =
    index.classes.find((name) => name.toLowerCase() === wanted) || index.classes.find((name) => name.toLowerCase().includes(wanted));
  const isPlace = readAddress(`#${query.value.trim()}`).unknown === undefined;
  if (wanted) location.hash = !isPlace && found !== undefined ? `#class=${encodeURIComponent(found)}` : `#${encodeURI(query.value.trim())}`;
  query.blur();
});
query.addEventListener("keydown", (event) => event.key === "Escape" && query.blur());

const slider = document.getElementById("moment");
if (index.moments.length) {
  slider.max = index.moments.length - 1;
  slider.addEventListener("input", () => showMoment(Number(slider.value)));
  document.getElementById("play").addEventListener("click", () => play(0));
} else {
  document.getElementById("epochs").replaceChildren(
    make("span", { class: "quiet" }, "This page was made without earlier moments of the training: there is no slider."),
  );
}

let playing = 0;
const PAUSE = 900;  // Milliseconds between two moments.
function play(moment) {
  clearTimeout(playing);
  showMoment(moment);
  if (moment + 1 < index.moments.length) playing = setTimeout(play, PAUSE, moment + 1);
}

document.getElementById("smaller").addEventListener("click", () => resize(-1));
document.getElementById("larger").addEventListener("click", () => resize(1));
document.getElementById("help").addEventListener("click", showHelp);
// A click outside of a dialog closes it.
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
window.addEventListener("hashchange", () => {
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  show();
});
if (index.moments.length) showMoment(index.moments.length - 1);
show();
