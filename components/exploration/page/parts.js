// The parts of the page: numbers and pictures, inside of this file or in the folder beside it. They are decoded when they are needed.

const index = JSON.parse(document.getElementById("index").textContent);
const MOST_PICTURES = 48;  // Decoded sheets that are kept; each takes up to 16 MB.

const received = new Map();  // Numbers by name, as promises.
const answers = new Map();  // Functions that wait for numbers of the folder.
const decoded = new Map();  // Pictures by name, as promises; the last used at the end.

// Called by the scripts of the folder.
function receive(name, numbers) {
  answers.get(name)(numbers);
}

function loadNumbers(name) {
  if (!received.has(name)) {
    received.set(name, index.folder ? fromScript(name) : Promise.resolve(JSON.parse(document.getElementById(name).textContent)));
  }
  return received.get(name);
}

// A page that was opened as a file may not read other files, but may run them.
function fromScript(name) {
  return new Promise((resolve, reject) => {
    answers.set(name, resolve);
    const script = document.createElement("script");
    script.onerror = () => reject(new Error(`${index.folder}/${name}.js is missing: keep the folder beside this page.`));
    script.src = `${encodeURIComponent(index.folder)}/${name}.js`;
    document.head.append(script);
  });
}

function loadPicture(name) {
  const found = decoded.get(name) || decodePicture(name);
  decoded.delete(name);
  decoded.set(name, found);
  if (decoded.size > MOST_PICTURES) decoded.delete(decoded.keys().next().value);
  return found;
}

async function decodePicture(name) {
  const picture = new Image();
  picture.src = index.folder
    ? `${encodeURIComponent(index.folder)}/${name}.webp`
    : `data:image/webp;base64,${document.getElementById(name).textContent}`;
  await picture.decode();
  return picture;
}

// Bytes that were compressed by zlib and written as base64.
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
