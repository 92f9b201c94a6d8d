// The Tokenize view: one picture in linked canvases. Everything hovered, coloured or zoomed happens here,
// without a round trip; the server sends `value` (the picture), `model` and `measures` as JSON strings.
const root = element.querySelector(".tv");
const $ = (selector) => root.querySelector(selector);
const $$ = (selector) => [...root.querySelectorAll(selector)];

const MODES = {
  code: "code", rarity: "rarity", cost: "distance", margin: "margin", count: "count here",
};
const BARS = 64, GRID_FROM = 11, PRINT_FROM = 30, MAX_ZOOM = 16;

let picture = null, model = null;
let level = 0, mode = "code", opacity = 1;
let shownLevels = 0;                              // how many levels the reconstruction is decoded from
let view = { zoom: 1, left: 0, top: 0 };          // left, top: fractions of the picture
let hover = null, pinned = null, band = null;     // hover, pinned: cell index; band: cells lit by legend or bars
let bandPinned = false, bar = -1, layer = null, values = null;
const images = {}, figures = {};
for (const figure of $$(".tv-figure")) {
  figures[figure.dataset.figure] = {
    figure, stage: figure.querySelector(".tv-stage"), canvas: figure.querySelector("canvas"),
    fact: figure.querySelector(".tv-fact"), empty: figure.querySelector(".tv-empty"),
  };
}

// ---- what the server sends -------------------------------------------------------------------------------

let modelVersion = 0, pictureVersion = 0;

async function takeModel() {
  if (!props.model) return;
  share("model", props.model);
  const version = ++modelVersion, found = await readModel(props.model);
  if (version !== modelVersion) return;
  model = found;
  if (picture) show();
}

async function takePicture() {
  if (!props.value) return;
  share("picture", props.value);
  const version = ++pictureVersion, found = JSON.parse(props.value), loaded = {};
  for (const entry of found.levels) {
    entry.codes = unpack(entry.codes, Int32Array);
    entry.runner_up = unpack(entry.runner_up, Int32Array);
    entry.cost = unpack(entry.cost, Float32Array);
    entry.margin = unpack(entry.margin, Float32Array);
    const counts = new Map();
    for (const code of entry.codes) counts.set(code, (counts.get(code) || 0) + 1);
    entry.histogram = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    entry.here = counts;
  }
  await Promise.all(["original", "reconstruction", "error"].map(async (name) => {
    loaded[name] = found[name] ? await loadImage(found[name]) : null;
  }));
  loaded.steps = await Promise.all([...found.partial.map(loadImage), loaded.reconstruction]);
  if (version !== pictureVersion) return;      // a later picture overtook this one
  const sameGrid = picture && picture.width === found.width && picture.height === found.height;
  picture = found;
  Object.assign(images, loaded);
  if (!sameGrid) { view = { zoom: 1, left: 0, top: 0 }; pinned = null; }
  level = Math.max(0, Math.min(level, picture.levels.length - 1));
  shownLevels = picture.levels.length;
  hover = null; band = null; bandPinned = false; bar = -1;
  show();
}

// ---- the picture as cells ---------------------------------------------------------------------------------

const NO_CELLS = { rows: 1, columns: 1, codes: new Int32Array(0), histogram: [], here: new Map() };
const coded = () => picture.levels.length > 0;
const flat = () => cells().shape?.length === 1;     // codes in a row, which no part of the picture belongs to
const cells = () => picture.levels[level] ?? NO_CELLS;
const book = () => model && model.id === picture.model ? model.levels[level] : null;

function colourOf(code) {
  const colours = book()?.colours;
  return colours ? `rgb(${colours[3 * code]},${colours[3 * code + 1]},${colours[3 * code + 2]})` : "#888";
}

function valuesOf(kind) {
  const grid = cells(), reference = book();
  if (kind === "cost") return grid.cost;
  if (kind === "margin") return grid.margin;
  if (kind === "count") return Float32Array.from(grid.codes, (code) => grid.here.get(code));
  if (kind === "rarity" && reference?.counts) {
    const total = reference.tokens + reference.size;
    return Float32Array.from(grid.codes, (code) => -Math.log2((reference.counts[code] + 1) / total));
  }
  return null;
}

function paintLayer() {
  const grid = cells();
  values = mode === "code" ? null : valuesOf(mode);
  layer = document.createElement("canvas");
  layer.width = grid.columns;
  layer.height = grid.rows;
  const context = layer.getContext("2d"), data = context.createImageData(grid.columns, grid.rows);
  const [low, high] = values ? spanOf(values) : [0, 1], colours = book()?.colours;
  for (let i = 0; i < grid.codes.length; i++) {
    let source = colours, at = 3 * grid.codes[i];
    if (values) { source = model.scale; at = 3 * Math.round(255 * (values[i] - low) / (high - low)); }
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = source ? source[at + c] : 128;
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

// ---- drawing ------------------------------------------------------------------------------------------------

function box(index, width, height) {
  const grid = cells(), row = Math.floor(index / grid.columns), column = index % grid.columns;
  const w = width * view.zoom / grid.columns, h = height * view.zoom / grid.rows;
  return [column * w - view.left * view.zoom * width, row * h - view.top * view.zoom * height, w, h];
}

const decoded = () => images.steps[Math.max(1, shownLevels) - 1];

function drawFigure(name) {
  const target = figures[name], fitted = fitCanvas(target.canvas);
  if (!fitted) return;
  const { context, width, height } = fitted, grid = cells();
  const place = [-view.left * view.zoom * width, -view.top * view.zoom * height, width * view.zoom, height * view.zoom];
  const image = name === "codes" ? images.original : name === "reconstruction" ? decoded() : images[name];
  context.imageSmoothingEnabled = view.zoom * width < 2.5 * picture.width;
  if (image && (name !== "codes" || opacity < 1)) context.drawImage(image, ...place);
  if (name === "codes" && coded()) {
    context.imageSmoothingEnabled = false;
    context.globalAlpha = images.original && !flat() ? opacity : 1;
    context.drawImage(layer, ...place);
    context.globalAlpha = 1;
    drawGrid(context, width, height, grid);
  }
  if (flat() && name !== "codes") return;
  if (band) {
    context.fillStyle = "rgba(20,20,24,0.72)";
    for (let i = 0; i < grid.codes.length; i++) {
      if (!band.has(i)) { const [x, y, w, h] = box(i, width, height); context.fillRect(x - 0.3, y - 0.3, w + 0.6, h + 0.6); }
    }
  }
  for (const [index, strong] of [[pinned, true], [hover, false]]) {
    if (index === null) continue;
    const [x, y, w, h] = box(index, width, height);
    context.lineWidth = 4; context.strokeStyle = "rgba(255,255,255,0.95)"; context.strokeRect(x - 1, y - 1, w + 2, h + 2);
    context.lineWidth = 2; context.strokeStyle = strong ? "#c2410c" : "#4f46e5"; context.strokeRect(x - 1, y - 1, w + 2, h + 2);
  }
}

function drawGrid(context, width, height, grid) {
  const w = width * view.zoom / grid.columns, h = height * view.zoom / grid.rows;
  if (Math.min(w, h) < GRID_FROM) return;
  const x0 = -view.left * view.zoom * width, y0 = -view.top * view.zoom * height;
  context.strokeStyle = "rgba(0,0,0,0.25)"; context.lineWidth = 1; context.beginPath();
  for (let c = 1; c < grid.columns; c++) { const x = x0 + c * w; if (x > 0 && x < width) { context.moveTo(x, 0); context.lineTo(x, height); } }
  for (let r = 1; r < grid.rows; r++) { const y = y0 + r * h; if (y > 0 && y < height) { context.moveTo(0, y); context.lineTo(width, y); } }
  context.stroke();
  if (Math.min(w, h) < PRINT_FROM) return;
  context.font = `${Math.min(13, Math.floor(w / 3.2))}px system-ui, sans-serif`;
  context.textAlign = "center"; context.textBaseline = "middle";
  for (let i = 0; i < grid.codes.length; i++) {
    const [x, y] = box(i, width, height);
    if (x + w < 0 || y + h < 0 || x > width || y > height) continue;
    const text = String(grid.codes[i]);
    context.lineWidth = 3; context.strokeStyle = "rgba(255,255,255,0.85)"; context.strokeText(text, x + w / 2, y + h / 2);
    context.fillStyle = "#111"; context.fillText(text, x + w / 2, y + h / 2);
  }
}

let pending = false;
function draw() {
  if (pending || !picture) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    for (const name of Object.keys(figures)) drawFigure(name);
    drawBars();
    drawLegend();
  });
}

function drawBars() {
  const fitted = fitCanvas($(".tv-histogram"));
  if (!fitted) return;
  const { context, width, height } = fitted, shown = cells().histogram.slice(0, BARS);
  if (!shown.length) return;
  const step = width / BARS, top = shown[0][1];
  const marked = hover !== null ? cells().codes[hover] : pinned !== null ? cells().codes[pinned] : null;
  shown.forEach(([code, count], i) => {
    const h = Math.max(2, (height - 4) * count / top);
    context.fillStyle = colourOf(code);
    context.fillRect(i * step + 0.5, height - h, Math.max(1, step - 1.5), h);
    if (code === marked || i === bar) {
      context.lineWidth = 2; context.strokeStyle = "#4f46e5";
      context.strokeRect(i * step + 0.5, height - h + 1, Math.max(1, step - 1.5), h - 1);
    }
  });
}

let strip = null;                                 // code mode: codes of this picture, sorted by colour, with widths
function legendOrder() {
  const colours = book()?.colours;
  const light = (code) => colours ? colours[3 * code] * 0.3 + colours[3 * code + 1] * 0.6 + colours[3 * code + 2] * 0.1 : code;
  const hue = (code) => {
    if (!colours) return 0;
    const [r, g, b] = [0, 1, 2].map((c) => colours[3 * code + c]);
    return Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b);
  };
  strip = cells().histogram.map(([code]) => code).sort((a, b) => Math.round(hue(a) * 3) - Math.round(hue(b) * 3) || light(a) - light(b));
}

function drawLegend() {
  const fitted = fitCanvas($(".tv-legend-bar"));
  if (!fitted) return;
  const { context, width, height } = fitted;
  if (mode === "code") {
    strip.forEach((code, i) => {
      context.fillStyle = colourOf(code);
      context.fillRect(i * width / strip.length, 0, width / strip.length + 0.6, height);
    });
  } else {
    for (let x = 0; x < width; x++) {
      const at = 3 * Math.round(255 * x / (width - 1)), s = model.scale;
      context.fillStyle = `rgb(${s[at]},${s[at + 1]},${s[at + 2]})`;
      context.fillRect(x, 0, 1.5, height);
    }
  }
}

// ---- words around the pictures ------------------------------------------------------------------------------

function show() {
  const grid = cells();
  root.style.setProperty("--aspect", picture.width / picture.height);
  for (const [name, { canvas, empty }] of Object.entries(figures)) {
    const there = name === "codes" ? coded() : images[name];
    canvas.style.visibility = there ? "visible" : "hidden";
    if (empty) empty.hidden = Boolean(there);
  }
  figures.original.fact.textContent = `${picture.width} × ${picture.height}`;
  figures.codes.fact.textContent = coded() ? `${grid.shape.join(" × ")}, ${number(grid.histogram.length)} distinct` : "";
  figures.error.fact.textContent = `mean of |difference|, ×${picture.error_gain}`;
  const kept = picture.levels.slice(0, shownLevels), names = kept.map((entry) => entry.name).join(" + ");
  $(".tv-reconstruction-caption").textContent = !coded() ? "Decoded from floats that were never rounded to codes."
    : `Decoded from ${number(kept.reduce((sum, l) => sum + l.codes.length, 0))} integers${picture.levels.length > 1 ? ` (${names})` : ""}, and nothing else.`;
  buttons($(".tv-partial"), picture.levels.map((entry, i) => [String(i + 1), i ? `+ ${entry.name}` : entry.name]), String(shownLevels), (key) => { shownLevels = Number(key); show(); });
  $(".tv-partial-group").hidden = picture.levels.length < 2;
  root.dataset.codes = coded() ? "yes" : "no";
  buttons($(".tv-levels"), picture.levels.map((entry, i) => [String(i), entry.name]), String(level), (key) => { level = Number(key); pinned = hover = null; clearBand(); show(); });
  $(".tv-levels-group").hidden = picture.levels.length < 2;
  const able = Object.entries(MODES).filter(([key]) => key === "code" || valuesOf(key));
  if (!able.some(([key]) => key === mode)) mode = "code";
  buttons($(".tv-modes"), able, mode, (key) => { mode = key; clearBand(); show(); });
  if (coded()) paintLayer();
  legendOrder();
  words();
  showMeasures();
  root.dataset.ready = "yes";
  root.dataset.model = picture.model;
  root.dataset.picture = picture.name;
  root.dataset.grid = `${grid.rows}x${grid.columns}`;
  draw();
  tell();
}

function words() {
  const metric = book()?.metric, low = $(".tv-legend-low"), high = $(".tv-legend-high"), text = $(".tv-legend-text");
  const captions = {
    code: book()?.hashed ? `One colour per code, by its index alone: ${number(book().size)} are too many for near ones to look alike.`
      : "One colour per code; near codes have near colours.",
    rarity: "How rare the code is in the reference pictures, in bits: bright cells surprise.",
    cost: metric === "logit" ? "How unsure the choice was: −log probability of the code."
      : metric === "grid" ? "How far rounding moved the encoder's output, in rounding steps."
      : "How far the code vector is from the encoder's output.",
    margin: "By how much the second-best code lost: dark cells were close calls.",
    count: "How many cells of this picture share the cell's code.",
  };
  const order = flat() ? " These codes stand in a row, not for places: they are laid out here in reading order." : "";
  $(".tv-codes-caption").textContent = coded() ? captions[mode] + order : "A point in space per cell instead of an entry of a table.";
  if (mode === "code") {
    low.textContent = high.textContent = "";
    text.textContent = "Point at a colour to see its cells.";
  } else {
    const [from, to] = spanOf(values), unit = mode === "rarity" ? " bits" : "";
    low.textContent = plain(from) + unit;
    high.textContent = plain(to) + unit;
    text.textContent = "Point at the scale to see which cells.";
  }
}

function showMeasures() {
  const found = props.measures ? JSON.parse(props.measures) : null;
  const current = found && picture && found.model === picture.model;
  $(".tv-measures").replaceChildren(...(current ? found.items : []).map(({ value, unit, label }) => {
    const item = document.createElement("div");
    item.setAttribute("role", "listitem");
    const strong = document.createElement("b"), small = document.createElement("small"), text = document.createElement("span");
    strong.textContent = value; small.textContent = unit ? ` ${unit}` : ""; text.textContent = label;
    strong.append(small);
    item.append(strong, text);
    return item;
  }));
  $(".tv-sentence").textContent = current ? found.sentence : "";
  const whole = picture && shownLevels === picture.levels.length;
  figures.reconstruction.fact.textContent = current && found.psnr && whole ? found.psnr : "";
}

function tell() {
  const tip = $(".tv-tip"), index = hover ?? pinned;
  root.dataset.cell = index === null ? "" : `${Math.floor(index / cells().columns)},${index % cells().columns}`;
  root.dataset.code = index === null ? "" : String(cells().codes[index]);
  root.dataset.pinned = pinned === null ? "" : `${Math.floor(pinned / cells().columns)},${pinned % cells().columns}`;
  root.dataset.lit = band ? String(band.size) : "";
  if (index === null) { tip.hidden = true; return; }
  const grid = cells(), reference = book(), code = grid.codes[index];
  const row = Math.floor(index / grid.columns), column = index % grid.columns;
  $(".tv-tip-code").textContent = `code ${number(code)}`;
  $(".tv-tip-cell").textContent = flat() ? `token ${index}` : `row ${row}, column ${column}`;
  const facts = [["in this picture", `${number(grid.here.get(code))} of ${number(grid.codes.length)}`]];
  if (reference?.counts) {
    const share = 100 * reference.counts[code] / reference.tokens;
    facts.push(["in the reference set", `${share >= 0.1 ? number(share, 2) : share ? number(share, 4) : "0"} % of ${number(reference.tokens)}`]);
  }
  if (reference?.radices.length) {
    let rest = code;
    const digits = reference.radices.map((radix) => { const digit = rest % radix; rest = Math.floor(rest / radix); return digit; });
    facts.push([`digits, radix ${reference.radices.join("·")}`, digits.join("·")]);
  }
  if (grid.cost) facts.push([reference?.metric === "logit" ? "−log p" : "distance", plain(grid.cost[index])]);
  if (grid.runner_up) facts.push([`runner-up ${number(grid.runner_up[index])}`, `+${plain(grid.margin[index])}`]);
  list($(".tv-tip-facts"), facts);
  const swatch = $(".tv-swatch").getContext("2d");
  swatch.imageSmoothingEnabled = false;
  if (reference?.sheet) {
    const side = reference.tile, across = reference.atlas_columns;
    swatch.drawImage(reference.sheet, (code % across) * side, Math.floor(code / across) * side, side, side, 0, 0, 48, 48);
  } else { swatch.fillStyle = colourOf(code); swatch.fillRect(0, 0, 48, 48); }
  tip.hidden = false;
  placeTip(index);
}

let tipFigure = "codes";
function placeTip(index) {
  const tip = $(".tv-tip"), outer = root.getBoundingClientRect(), canvas = figures[tipFigure].canvas.getBoundingClientRect();
  const [x, y, w, h] = box(index, canvas.width, canvas.height);
  const cellX = canvas.left - outer.left + x, cellY = canvas.top - outer.top + y;
  const right = cellX + w + 12;
  tip.style.left = `${Math.max(0, right + tip.offsetWidth < outer.width ? right : Math.min(cellX - tip.offsetWidth - 12, outer.width - tip.offsetWidth))}px`;
  const below = canvas.top + y + h + 12 + tip.offsetHeight < window.innerHeight;
  const fitsLeft = right + tip.offsetWidth < outer.width || cellX - tip.offsetWidth - 12 >= 0;
  tip.style.top = `${fitsLeft ? Math.min(cellY, outer.height - tip.offsetHeight) : below ? cellY + h + 12 : cellY - tip.offsetHeight - 12}px`;
}

// ---- pointing -----------------------------------------------------------------------------------------------

function cellAt(canvas, event) {
  const rect = canvas.getBoundingClientRect(), grid = cells();
  const u = (event.clientX - rect.left) / rect.width / view.zoom + view.left;
  const v = (event.clientY - rect.top) / rect.height / view.zoom + view.top;
  const column = Math.floor(u * grid.columns), row = Math.floor(v * grid.rows);
  return column < 0 || row < 0 || column >= grid.columns || row >= grid.rows ? null : row * grid.columns + column;
}

function point(index, from) {
  if (!coded() || (flat() && from && from !== "codes")) index = null;
  if (index === hover) return;
  hover = index;
  if (from) tipFigure = from;
  tell();
  draw();
}

// The code of the pinned cell is the one that the whole page looks at.
function pin(index) {
  pinned = index;
  share("code", JSON.stringify({ model: picture.model, level: cells().name, code: index === null ? null : cells().codes[index], from: "tokenize" }));
}

function clearBand() { band = null; bandPinned = false; bar = -1; }

function light(matches, pin = false) {
  const grid = cells();
  band = new Set();
  for (let i = 0; i < grid.codes.length; i++) if (matches(grid.codes[i], i)) band.add(i);
  bandPinned = pin;
  tell();
  draw();
}

function zoomTo(zoom, u = 0.5, v = 0.5) {
  // keeps the point (u, v) of the window, in fractions, where it is
  const next = Math.min(MAX_ZOOM, Math.max(1, zoom)), x = view.left + u / view.zoom, y = view.top + v / view.zoom;
  view = { zoom: next, left: x - u / next, top: y - v / next };
  clampView();
}
function clampView() {
  const most = 1 - 1 / view.zoom;
  view.left = Math.min(most, Math.max(0, view.left));
  view.top = Math.min(most, Math.max(0, view.top));
  $('[data-zoom="reset"]').textContent = `${view.zoom < 9.95 ? Number(view.zoom.toFixed(1)) : Math.round(view.zoom)}×`;
  draw();
  if (picture) tell();
}

for (const [name, { canvas }] of Object.entries(figures)) {
  let grabbed = null, moved = false;
  const fingers = new Map();
  canvas.addEventListener("pointermove", (event) => {
    if (!picture) return;
    if (fingers.has(event.pointerId)) {
      const before = spread(fingers);
      fingers.set(event.pointerId, event);
      if (fingers.size === 2 && before) { const rect = canvas.getBoundingClientRect(), m = middle(fingers); moved = true;
        zoomTo(view.zoom * spread(fingers) / before, (m.x - rect.left) / rect.width, (m.y - rect.top) / rect.height); return; }
    }
    if (grabbed && view.zoom > 1) {
      const rect = canvas.getBoundingClientRect();
      if (Math.hypot(event.clientX - grabbed.x, event.clientY - grabbed.y) > 4) moved = true;
      if (moved) {
        view.left = grabbed.left - (event.clientX - grabbed.x) / rect.width / view.zoom;
        view.top = grabbed.top - (event.clientY - grabbed.y) / rect.height / view.zoom;
        clampView();
        return;
      }
    }
    point(cellAt(canvas, event), name);
  });
  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    grabbed = { x: event.clientX, y: event.clientY, left: view.left, top: view.top };
    moved = false;
    if (view.zoom > 1) canvas.setPointerCapture(event.pointerId);
  });
  const release = (event) => { fingers.delete(event.pointerId); grabbed = null; };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") point(null); });
  canvas.addEventListener("click", (event) => {
    if (!picture || moved) return;
    const index = cellAt(canvas, event);
    if (!coded() || (flat() && name !== "codes")) return;
    tipFigure = name;
    if (band) clearBand();
    pin(pinned === index ? null : index);
    hover = index;
    tell(); draw();
  });
  canvas.addEventListener("dblclick", (event) => {
    const rect = canvas.getBoundingClientRect();
    zoomTo(view.zoom >= MAX_ZOOM ? 1 : view.zoom * 2, (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height);
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;     // plain wheel scrolls the page
    event.preventDefault();
    const rect = canvas.getBoundingClientRect();
    zoomTo(view.zoom * Math.exp(-event.deltaY / 200), (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height);
  }, { passive: false });
}
figures.codes.canvas.addEventListener("keydown", (event) => {
  if (!picture || !coded()) return;
  const grid = cells(), at = hover ?? pinned ?? 0, row = Math.floor(at / grid.columns), column = at % grid.columns;
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  tipFigure = "codes";
  if (step) {
    const r = Math.min(grid.rows - 1, Math.max(0, row + step[0])), c = Math.min(grid.columns - 1, Math.max(0, column + step[1]));
    hover = r * grid.columns + c;
    const u = (c + 0.5) / grid.columns, v = (r + 0.5) / grid.rows, half = 1 / view.zoom;
    if (u < view.left || u > view.left + half || v < view.top || v > view.top + half) { view.left = u - half / 2; view.top = v - half / 2; clampView(); }
    tell(); draw();
  } else if (event.key === "Enter" || event.key === " ") { pin(pinned === at ? null : at); tell(); draw(); }
  else if (event.key === "Escape") { pin(null); hover = null; clearBand(); tell(); draw(); }
  else if (event.key === "+" || event.key === "=") zoomTo(view.zoom * 1.5);
  else if (event.key === "-") zoomTo(view.zoom / 1.5);
  else if (event.key === "0") zoomTo(1);
  else return;
  event.preventDefault();
});
figures.codes.canvas.addEventListener("blur", () => { if (picture) point(null); });

for (const button of $$("[data-zoom]")) {
  button.onclick = () => zoomTo(button.dataset.zoom === "in" ? view.zoom * 1.5 : button.dataset.zoom === "out" ? view.zoom / 1.5 : 1);
}
$(".tv-opacity").addEventListener("input", (event) => { opacity = event.target.value / 100; draw(); });

function barAt(fraction) { return Math.min(cells().histogram.length, BARS) > fraction * BARS ? Math.floor(fraction * BARS) : -1; }
function lightBar(index, pin) {
  bar = index;
  if (index < 0) { clearBand(); tell(); draw(); return; }
  const code = cells().histogram[index][0];
  light((other) => other === code, pin);
}
function lightLegend(fraction, pin) {
  if (mode === "code") {
    const code = strip[Math.min(strip.length - 1, Math.max(0, Math.floor(fraction * strip.length)))];
    bar = cells().histogram.findIndex(([other]) => other === code);
    light((other) => other === code, pin);
  } else {
    const [low, high] = spanOf(values), middle = low + fraction * (high - low), half = 0.05 * (high - low);
    light((_, i) => Math.abs(values[i] - middle) <= half, pin);
  }
}
function slider(canvas, act, positions) {
  let at = -1;
  const fraction = (event) => { const rect = canvas.getBoundingClientRect(); return Math.min(0.9999, Math.max(0, (event.clientX - rect.left) / rect.width)); };
  canvas.addEventListener("pointermove", (event) => { if (picture && !bandPinned) act(fraction(event), false); });
  canvas.addEventListener("pointerleave", () => { if (picture && !bandPinned) { clearBand(); tell(); draw(); } });
  canvas.addEventListener("click", (event) => { if (!picture) return; if (bandPinned) { clearBand(); tell(); draw(); } else act(fraction(event), true); });
  canvas.addEventListener("keydown", (event) => {
    if (!picture) return;
    const count = positions();
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      at = Math.min(count - 1, Math.max(0, at + (event.key === "ArrowRight" ? 1 : -1)));
      act((at + 0.5) / count, true);
    } else if (event.key === "Escape") { at = -1; clearBand(); tell(); draw(); } else return;
    canvas.setAttribute("aria-valuenow", String(at));
    canvas.setAttribute("aria-valuetext", band ? `${band.size} cells` : "none");
    event.preventDefault();
  });
}
slider($(".tv-histogram"), (f, pin) => lightBar(barAt(f), pin), () => BARS);
slider($(".tv-legend-bar"), lightLegend, () => mode === "code" ? strip.length : 20);

// ---- saving -------------------------------------------------------------------------------------------------

function codesFile() {
  const levels = Object.fromEntries(picture.levels.map((entry) => [entry.name, written(entry, entry.codes)]));
  return JSON.stringify({ model: picture.model, revision: picture.revision, image_size: [picture.height, picture.width], levels });
}

function save(blob, suffix) { download(blob, picture.name, `${picture.model}.${suffix}`); }

function savePicture(source, width, height, suffix) {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(source, 0, 0, width, height);
  canvas.toBlob((blob) => save(blob, suffix), "image/png");
}

const SAVERS = {
  json: () => save(new Blob([codesFile()], { type: "application/json" }), "codes.json"),
  npz: async () => save(await (await fetch("data:application/zip;base64," + await server.codes_as_npz(codesFile()))).blob(), "codes.npz"),
  reconstruction: () => savePicture(images.reconstruction, picture.width, picture.height, "reconstruction.png"),
  map: () => savePicture(layer, layer.width * 8, layer.height * 8, "map.png"),
};
for (const button of $$("[data-save]")) button.onclick = () => picture && SAVERS[button.dataset.save]();

// ---- life ---------------------------------------------------------------------------------------------------

new ResizeObserver(() => { draw(); if (picture) tell(); }).observe(root);
watch("value", takePicture);
watch("model", takeModel);
watch("listed", () => share("models", props.listed));
watch("measures", () => { if (picture) showMeasures(); });
onShared("code", (text) => {
  const { model: id, level: name, code, from } = JSON.parse(text);
  if (from === "tokenize" || id !== picture?.model || name !== cells().name) return;
  pinned = hover = null;
  if (code === null) { clearBand(); tell(); draw(); } else light((other) => other === code, true);
});
takeModel();
takePicture();
