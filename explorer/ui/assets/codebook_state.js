// The Codebook view: all codes of a level as points, what is known of one of them, and a table of all.
// It shows the model that the page shows; maps and pages of codes are asked of the server when they are looked at. The parts stand in one scope:
// codebook_state, codebook_drawing, codebook_words, codebook_code, codebook_export, codebook_pointing.
const METHODS = [["umap", "UMAP"], ["pca", "PCA"]];
const OF = [["vectors", "code vectors"], ["swatches", "what they decode to"]];
const DIMS = [["2", "2-D"], ["3", "3-D"]];
const TOOLS = [["move", "move"], ["lasso", "lasso"]];
const ROWS = 20, NEAR = 14, MAX_ZOOM = 400, ASK_AGAIN = 700, TILES = 500;
const canvas = $(".cv-canvas");

let model = null, picture = null, level = 0;
let method = "umap", of = "vectors", dims = "2", colour = "usage", filter = "all", tool = "move", atMost = 0;
let map = null;                                    // {codes, points, outputs, dims}
let norms = null, nearestOutput = null, decoded = null;   // per code; nearestOutput: how far the nearest encoder output is
let view = { zoom: 1, x: 0, y: 0, yaw: 0.6, pitch: 0.4 };
let hover = null, chosen = null, lasso = null, path = null, here = new Set();   // hover: place in map; chosen: a code
let page = 0, order = "count", rising = false, rows = [];
let screen = new Float32Array(0), values = null, span = [0, 1];

// ---- what the page shows ----------------------------------------------------------------------------------

let modelVersion = 0, mapVersion = 0;

async function takeModel(text) {
  const version = ++modelVersion, found = await readModel(text);
  if (version !== modelVersion) return;
  const other = !model || model.id !== found.id;
  model = found;
  if (other) { level = 0; chosen = null; lasso = null; page = 0; colour = "usage"; }
  level = Math.max(0, Math.min(level, model.levels.length - 1));
  takeLevel();
}

let pictures = 0;  // that came; codes without a picture have nothing else to tell them apart
function takePicture(text) {
  picture = { ...readPicture(text), number: ++pictures };
  look();
  askStatistics();
}

// The code that the page looks at elsewhere, as soon as its model is here.
let looked = null;
function takeCode() {
  if (!looked || looked.from === "codebook" || looked.model !== model?.id || !coded()) return;
  const of = looked.code === null ? level : model.levels.findIndex((entry) => entry.name === looked.level);
  if (of < 0) return;
  if (of !== level && !looked.found) return toLevel(of);        // which comes back here
  looked.found = true;                                          // from here on the level is the user's to choose
  if (of === level) choose(looked.code, true);
}

function toLevel(at) { level = at; chosen = null; lasso = null; page = 0; takeLevel(); }

function takeLevel() {
  norms = nearestOutput = decoded = map = null; hover = null;
  if (coded()) { decoded = meanColours(); askMap(); askFacts(); }
  look();
  showCode();
  takeCode();
  askStatistics();
}

const coded = () => Boolean(model?.levels.length);
const book = () => model.levels[level];
const dead = (code) => Boolean(book().counts) && book().counts[code] <= atMost;
const never = (code) => book().counts?.[code] === 0;
const picturesCodes = () => picture?.model === model?.id ? picture.levels[level]?.codes ?? [] : [];

// ---- asking -----------------------------------------------------------------------------------------------

const ask = (call, request) => answer(call, { model: model.id, level: book().name, ...request });

let waitingFor = null;
async function askMap() {
  const version = ++mapVersion, wanted = { of, method, dims: Number(dims) };
  if (!visible()) { waitingFor = wanted; return; }
  waitingFor = null;
  try {
    let reply = await ask("map", wanted);
    if (version === mapVersion && reply.waiting !== undefined && method === "umap" && !map) await firstPca(version, wanted);
    while (version === mapVersion && reply.waiting !== undefined) {
      wait(reply.waiting);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
      if (version === mapVersion) reply = await ask("map", wanted);
    }
    if (version !== mapVersion) return;
    wait(null);
    takeMap(reply, wanted);
    complain(reply.note);
  } catch (error) {
    if (version === mapVersion) { wait(null); complain(error.message); }
  }
}

// While a map is laid out, the principal components stand in for it.
async function firstPca(version, wanted) {
  const reply = await ask("map", { ...wanted, method: "pca" });
  if (version === mapVersion) takeMap(reply, { ...wanted, method: "pca" });
}

function takeMap(reply, wanted) {
  const points = unpack(reply.points, Float32Array), outputs = unpack(reply.outputs, Float32Array) ?? new Float32Array(0);
  const codes = reply.codes ? unpack(reply.codes, Int32Array) : Int32Array.from({ length: points.length / wanted.dims }, (_, i) => i);
  map = { codes, points, outputs, dims: wanted.dims, method: wanted.method, of: wanted.of };
  map.place = new Map(); codes.forEach((code, i) => map.place.set(code, i));
  hover = null; lasso = null;
  view = { zoom: 1, x: 0, y: 0, yaw: 0.6, pitch: 0.4 };
  look();
}

async function askFacts() {
  const asked = modelVersion, of = level;
  try {
    const reply = await ask("facts", {});
    if (asked === modelVersion && of === level) { norms = unpack(reply.norms, Float32Array); nearestOutput = unpack(reply.nearest, Float32Array); look(); showCode(); }
  } catch (error) { complain(error.message); }
}

function askStatistics() {
  if (!visible() || !model || !coded()) return;
  if (picture && picture.model !== model.id) return;            // one of the two is on its way
  const text = JSON.stringify({ model: model.id, level: book().name, at_most: atMost, picture: picture?.number });
  if (text === props.value) return;
  props.value = text;
  trigger("asked");
}

function wait(share) {
  $(".cv-wait").hidden = share === null;
  if (share === null) return;
  $(".cv-wait-text").textContent = share > 0 ? `UMAP: ${Math.round(share * 100)} % laid out` : "UMAP is being prepared; the first takes up to a minute";
  if (share > 0) $(".cv-wait progress").value = share; else $(".cv-wait progress").removeAttribute("value");
}

const visible = () => canvas.clientWidth > 0;
