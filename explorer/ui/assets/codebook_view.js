// The Codebook view: all codes of a level as points, what is known of one of them, and a table of all.
// It shows the model that the page shows; maps and pages of codes are asked of the server when they are looked at.
const root = element.querySelector(".tv");
const $ = (selector) => root.querySelector(selector);
const $$ = (selector) => [...root.querySelectorAll(selector)];

const METHODS = [["umap", "UMAP"], ["pca", "PCA"]];
const OF = [["vectors", "code vectors"], ["swatches", "what they decode to"]];
const DIMS = [["2", "2-D"], ["3", "3-D"]];
const TOOLS = [["move", "move"], ["lasso", "lasso"]];
const ROWS = 20, NEAR = 14, MAX_ZOOM = 400, ASK_AGAIN = 700, TILES = 500;
const canvas = $(".cv-canvas");

let model = null, picture = null, level = 0;
let method = "umap", of = "vectors", dims = "2", colour = "usage", filter = "all", tool = "move", atMost = 0;
let map = null, norms = null, decoded = null;      // map: {codes, points, outputs, dims}; norms, decoded: per code
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

function takePicture(text) {
  picture = JSON.parse(text);
  for (const entry of picture.levels) entry.codes = unpack(entry.codes, Int32Array);
  look();
}

function takeLevel() {
  norms = null; decoded = null; map = null; hover = null;
  if (coded()) { decoded = meanColours(); askMap(); askFacts(); }
  look();
  showCode();
  ask_statistics();
}

const coded = () => Boolean(model?.levels.length);
const book = () => model.levels[level];
const dead = (code) => !book().counts || book().counts[code] <= atMost;
const picturesCodes = () => picture?.model === model?.id ? picture.levels[level]?.codes ?? [] : [];

// ---- asking -----------------------------------------------------------------------------------------------

async function ask(call, request) {
  const reply = JSON.parse(await server[call](JSON.stringify({ model: model.id, level: book().name, ...request })));
  if (reply.error) throw new Error(reply.error);
  return reply;
}

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
    say("");
  } catch (error) {
    if (version === mapVersion) { wait(null); say(error.message); }
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
  const asked = modelVersion;
  try {
    const reply = await ask("facts", {});
    if (asked === modelVersion) { norms = unpack(reply.norms, Float32Array); look(); }
  } catch (error) { say(error.message); }
}

function ask_statistics() {
  if (!visible() || !coded()) return;
  const text = JSON.stringify({ model: model.id, level: book().name, at_most: atMost });
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

const say = (text) => { const note = $(".ev-message"); note.textContent = text; note.hidden = !text; };
const visible = () => canvas.clientWidth > 0;

// ---- colours ------------------------------------------------------------------------------------------------

function meanColours() {
  const { sheet, atlas_columns: columns, tile, size } = book();
  if (!sheet) return null;
  const small = document.createElement("canvas");
  small.width = columns; small.height = Math.round(sheet.height / tile);
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(sheet, 0, 0, small.width, small.height);
  const data = context.getImageData(0, 0, small.width, small.height).data, found = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) for (let c = 0; c < 3; c++) found[3 * i + c] = data[4 * i + c];
  return found;
}

function colourings() {
  const found = [];
  if (book().counts) found.push(["usage", "usage"], ["dead", "dead or alive"]);
  if (norms) found.push(["norm", "norm"]);
  if (decoded) found.push(["decoded", "decoded colour"]);
  found.push(["token", "token colour"]);
  book().radices.forEach((_, i) => found.push([`digit${i}`, `digit ${i + 1}`]));
  return found;
}

function digitsOf(code) {
  let rest = code;
  return book().radices.map((radix) => { const digit = rest % radix; rest = Math.floor(rest / radix); return digit; });
}

// Per code a number for the scale, or null where colours are not on a scale.
function scaled() {
  const { counts, size, radices } = book();
  if (colour === "usage") return Float32Array.from({ length: size }, (_, i) => Math.log10(counts[i] + 1));
  if (colour === "norm") return norms;
  if (colour.startsWith("digit")) { const at = Number(colour.slice(5)); return Float32Array.from({ length: size }, (_, i) => digitsOf(i)[at] / Math.max(1, radices[at] - 1)); }
  return null;
}

function colourOf(code) {
  const rgb = (source, at) => `rgb(${source[at]},${source[at + 1]},${source[at + 2]})`;
  if (colour === "dead") return dead(code) ? GREY : ACCENT;
  if (colour === "decoded") return rgb(decoded, 3 * code);
  if (colour === "token" || !values) return rgb(book().colours, 3 * code);
  if (colour === "usage" && dead(code)) return GREY;
  return rgb(model.scale, 3 * Math.round(255 * Math.max(0, Math.min(1, (values[code] - span[0]) / (span[1] - span[0])))));
}
const GREY = "#a8a29e", ACCENT = "#4f46e5", OUTPUT = "rgba(99,102,241,0.28)";

const FILTERS = [["all", "all"], ["used", "used"], ["dead", "dead"], ["here", "in this picture"]];
function shows(code) {
  if (filter === "used") return !dead(code);
  if (filter === "dead") return dead(code);
  if (filter === "here") return here.has(code);
  return true;
}

// ---- drawing ------------------------------------------------------------------------------------------------

function placer(width, height) {
  const scale = 0.46 * Math.min(width, height) * view.zoom, cx = width / 2, cy = height / 2;
  if (map.dims === 2) return (points, i) => [cx + (points[2 * i] - view.x) * scale, cy - (points[2 * i + 1] - view.y) * scale, 0];
  const [sy, cyaw, sp, cp] = [Math.sin(view.yaw), Math.cos(view.yaw), Math.sin(view.pitch), Math.cos(view.pitch)];
  return (points, i) => {
    const [x, y, z] = [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
    const across = x * cyaw + z * sy, deep = z * cyaw - x * sy;
    return [cx + (across - view.x) * scale * 0.85, cy - (y * cp - deep * sp - view.y) * scale * 0.85, deep * cp + y * sp];
  };
}

let pending = false;
function draw() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; paint(); });
}

function paint() {
  const fitted = fitCanvas(canvas);
  if (!fitted || !map || !coded()) return;
  const { context, width, height } = fitted, place = placer(width, height), n = map.codes.length;
  if (screen.length !== 2 * n) screen = new Float32Array(2 * n);
  const inside = (x, y) => x > -20 && y > -20 && x < width + 20 && y < height + 20;
  context.fillStyle = OUTPUT;
  for (let i = 0; i < map.outputs.length / map.dims; i++) {
    const [x, y] = place(map.outputs, i);
    if (inside(x, y)) context.fillRect(x - 1, y - 1, 2, 2);
  }
  const radius = Math.max(1.6, Math.min(7, 95 / Math.sqrt(n))) * Math.min(2, view.zoom ** 0.3);
  const drawn = [], depth = [];
  for (let i = 0; i < n; i++) {
    const [x, y, z] = place(map.points, i);
    screen[2 * i] = x; screen[2 * i + 1] = shows(map.codes[i]) ? y : NaN;
    if (shows(map.codes[i]) && inside(x, y)) { drawn.push(i); depth[i] = z; }
  }
  // Dead codes lie under the others; in space what is far lies under what is near.
  const isDead = (i) => dead(map.codes[i]) ? 0 : 1;
  drawn.sort(map.dims === 3 ? (a, b) => depth[b] - depth[a] : (a, b) => isDead(a) - isDead(b));
  const side = tileSide(drawn, width, height);
  for (const i of drawn) {
    const x = screen[2 * i], y = screen[2 * i + 1], code = map.codes[i];
    if (side) drawTile(context, code, x - side / 2, y - side / 2, side);
    if (side && colour !== "decoded") { context.lineWidth = 2; context.strokeStyle = colourOf(code); context.strokeRect(x - side / 2, y - side / 2, side, side); }
    if (!side) { context.fillStyle = colourOf(code); context.beginPath(); context.arc(x, y, radius, 0, 7); context.fill(); }
  }
  root.dataset.tiles = side ? "yes" : "no";
  if (lasso) for (const i of drawn) if (lasso.has(map.codes[i])) ring(context, i, radius + 1.5, "#c2410c");
  if (chosen !== null && map.place.has(chosen)) ring(context, map.place.get(chosen), Math.max(radius, side / 2) + 3, "#c2410c");
  if (hover !== null) ring(context, hover, Math.max(radius, side / 2) + 3, ACCENT);
  if (path) {
    context.beginPath(); path.forEach(([x, y], i) => i ? context.lineTo(x, y) : context.moveTo(x, y));
    context.closePath(); context.fillStyle = "rgba(194,65,12,0.12)"; context.fill(); context.strokeStyle = "#c2410c"; context.lineWidth = 1.5; context.stroke();
  }
}

function ring(context, i, radius, stroke) {
  context.beginPath(); context.arc(screen[2 * i], screen[2 * i + 1], radius, 0, 7);
  context.lineWidth = 4; context.strokeStyle = "rgba(255,255,255,0.9)"; context.stroke();
  context.lineWidth = 2; context.strokeStyle = stroke; context.stroke();
}

// Swatches take the place of dots where there is room for them.
function tileSide(drawn, width, height) {
  if (!book().sheet || drawn.length > TILES || view.zoom < 1.5) return 0;
  const room = Math.sqrt(width * height / Math.max(1, drawn.length)) * 0.6;
  return room < 14 ? 0 : Math.min(40, room);
}

function drawTile(context, code, x, y, side) {
  const { sheet, atlas_columns: columns, tile } = book();
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, (code % columns) * tile, Math.floor(code / columns) * tile, tile, tile, x, y, side, side);
}

function swatch(code, side, extra = "") {
  const small = document.createElement("canvas");
  small.width = small.height = side;
  small.className = extra;
  if (book().sheet) drawTile(small.getContext("2d"), code, 0, 0, side);
  else { const context = small.getContext("2d"); context.fillStyle = colourOf(code); context.fillRect(0, 0, side, side); }
  return small;
}

function nearest(x, y) {
  let best = null, closest = NEAR * NEAR;
  for (let i = 0; i < screen.length / 2; i++) {
    const dx = screen[2 * i] - x, dy = screen[2 * i + 1] - y, d = dx * dx + dy * dy;
    if (d < closest) { closest = d; best = i; }
  }
  return best;
}

// ---- words --------------------------------------------------------------------------------------------------

function look() {
  if (!model) return;
  root.dataset.codes = coded() ? "yes" : "no";
  $(".cv-empty").hidden = coded();
  if (!coded()) { root.dataset.ready = "yes"; root.dataset.model = model.id; return; }
  here = new Set(picturesCodes());
  buttons($(".cv-methods"), METHODS, method, (key) => { method = key; askMap(); look(); });
  buttons($(".cv-of"), OF, of, (key) => { of = key; askMap(); look(); });
  buttons($(".cv-dims"), DIMS, dims, (key) => { dims = key; map = null; askMap(); look(); });
  buttons($(".cv-tool"), dims === "2" ? TOOLS : [["move", "turn"], TOOLS[1]], tool, (key) => { tool = key; look(); });
  buttons($(".tv-levels"), model.levels.map((entry, i) => [String(i), entry.name]), String(level), (key) => { level = Number(key); chosen = null; lasso = null; page = 0; takeLevel(); });
  $(".tv-levels-group").hidden = model.levels.length < 2;
  const able = colourings();
  if (!able.some(([key]) => key === colour)) colour = able[0][0];
  buttons($(".cv-colours"), able, colour, (key) => { colour = key; look(); });
  buttons($(".cv-filters"), FILTERS, filter, (key) => { filter = key; page = 0; look(); });
  values = scaled();
  span = values ? spanOf(values) : [0, 1];
  words();
  table();
  root.dataset.ready = map ? "yes" : "no";
  root.dataset.model = model.id;
  root.dataset.level = book().name;
  root.dataset.map = map ? `${map.of}/${map.method}/${map.dims}` : "";
  draw();
}

function spanOf(numbers) {
  let low = Infinity, high = -Infinity;
  for (const n of numbers) { if (n < low) low = n; if (n > high) high = n; }
  return [low, high > low ? high : low + 1];
}

function words() {
  const { size, counts, tokens } = book(), mapped = map ? map.codes.length : size;
  let none = 0;
  for (let i = 0; i < size; i++) if (dead(i)) none++;
  $(".cv-title").textContent = mapped < size ? `${number(mapped)} of ${number(size)} codes, a random sample` : `${number(size)} codes`;
  $(".cv-fact").textContent = map?.outputs.length ? "small dots: where the encoder puts real patches" : "";
  const what = of === "vectors" ? "Codes whose vectors are alike lie together." : "Codes that decode to like patches lie together.";
  const deadText = !counts ? "" : none ? ` Grey: ${number(none)} codes that ${number(tokens)} reference tokens ${atMost ? `used at most ${atMost} times` : "never used"}${map?.outputs.length ? "; see how far they lie from what the encoder puts out" : ""}.` : ` All of them occur in ${number(tokens)} reference tokens.`;
  const how = method === "umap" ? " UMAP keeps neighbourhoods, not distances." : " The two axes along which the vectors differ most.";
  $(".cv-caption").textContent = what + deadText + how.replace("two", dims === "2" ? "two" : "three") + " Point, click, zoom in to see what each code decodes to.";
  const legend = { usage: ["never", number(10 ** span[1] - 1), "times in the reference pictures, log scale"], norm: [plain(span[0]), plain(span[1]), "length of the code vector"] };
  const [low, high, text] = legend[colour] ?? (colour.startsWith("digit") ? ["0", String(book().radices[Number(colour.slice(5))] - 1), `${colour.replace("digit", "digit ")}`.replace(/\d+/, (d) => Number(d) + 1)] : ["", "", { dead: "violet: used; grey: dead", decoded: "the mean colour each code decodes to", token: "the colours of the token map" }[colour]]);
  $(".tv-legend-low").textContent = low; $(".tv-legend-high").textContent = high; $(".tv-legend-text").textContent = text;
  const bar = fitCanvas($(".cv-legend .tv-legend-bar"));
  $(".cv-legend .tv-legend-bar").style.visibility = values ? "visible" : "hidden";
  if (bar && values) for (let x = 0; x < bar.width; x++) { const at = 3 * Math.round(255 * x / (bar.width - 1)), s = model.scale; bar.context.fillStyle = `rgb(${s[at]},${s[at + 1]},${s[at + 2]})`; bar.context.fillRect(x, 0, 1.5, bar.height); }
  $(".cv-lasso").hidden = !lasso;
  if (lasso) {
    let sum = 0;
    for (const code of lasso) sum += counts?.[code] ?? 0;
    $(".cv-lasso-text").textContent = `${number(lasso.size)} codes in the lasso${counts ? `, ${number(100 * sum / tokens, 1)} % of the reference tokens` : ""}`;
  }
}

function shareOf(code) {
  const { counts, tokens } = book();
  if (!counts) return "";
  const share = 100 * counts[code] / tokens;
  return `${share >= 0.1 ? number(share, 2) : share ? number(share, 4) : "0"} % of ${number(tokens)}`;
}

function factsOf(code) {
  const facts = [];
  if (book().counts) facts.push(["in the reference set", shareOf(code)]);
  const found = picturesCodes().reduce((sum, other) => sum + (other === code), 0);
  if (picturesCodes().length) facts.push(["in this picture", `${number(found)} of ${number(picturesCodes().length)}`]);
  if (norms) facts.push(["length of its vector", plain(norms[code])]);
  if (book().radices.length) facts.push([`digits, radix ${book().radices.join("·")}`, digitsOf(code).join("·")]);
  return facts;
}

function tell(x, y) {
  const tip = $(".tv-tip");
  root.dataset.hover = hover === null ? "" : String(map.codes[hover]);
  tip.hidden = hover === null;
  if (hover === null) return;
  const code = map.codes[hover];
  $(".tv-tip-code").textContent = `code ${number(code)}`;
  $(".tv-tip-cell").textContent = dead(code) ? "dead" : "used";
  const small = $(".tv-swatch").getContext("2d");
  small.clearRect(0, 0, 48, 48);
  if (book().sheet) drawTile(small, code, 0, 0, 48);
  list($(".tv-tip-facts"), factsOf(code));
  const wide = canvas.clientWidth, high = canvas.clientHeight;
  tip.style.left = `${Math.max(4, x > wide / 2 ? x - 280 : x + 18)}px`;
  tip.style.top = `${Math.max(4, Math.min(high - tip.offsetHeight - 4, y - 30))}px`;
}

function list(target, facts) {
  target.replaceChildren(...facts.flatMap(([term, detail]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term; dd.textContent = detail;
    return [dt, dd];
  }));
}

// ---- one code -----------------------------------------------------------------------------------------------

let codeVersion = 0;

function choose(code, quietly = false) {
  chosen = code;
  root.dataset.chosen = code === null ? "" : String(code);
  if (!quietly) share("code", JSON.stringify({ model: model.id, level: book().name, code, from: "codebook" }));
  showCode();
  draw();
}

async function showCode() {
  const section = $(".cv-code"), version = ++codeVersion;
  section.hidden = !coded();
  if (!coded()) return;
  if (chosen === null) {
    section.replaceChildren(text("p", "cv-hint", "Click a code to see what is known of it."));
    return;
  }
  const code = chosen, facts = document.createElement("dl"), head = document.createElement("div"), near = document.createElement("div");
  list(facts, factsOf(code));
  head.className = "cv-code-head";
  const name = document.createElement("div");
  name.append(text("h3", "", `Code ${number(code)}`), text("span", "tv-fact", dead(code) ? "dead: no reference token has it" : "used"));
  head.append(swatch(code, 72, "cv-big"), name);
  const use = document.createElement("button");
  use.type = "button"; use.className = "tv-button"; use.textContent = "Use in Edit";
  use.onclick = () => { share("pick", JSON.stringify({ model: model.id, level: book().name, code })); openTab("Edit"); };
  head.append(use);
  near.className = "cv-near";
  section.replaceChildren(head, facts, near);
  try {
    const reply = await ask("code", { code });
    if (version !== codeVersion) return;
    near.append(text("h4", "", "Nearest codes"), row(reply.near, (i) => plain(reply.distances[i])));
    section.dataset.code = String(code);
  } catch (error) { if (version === codeVersion) say(error.message); }
}

function row(codes, label) {
  const strip = document.createElement("div");
  strip.className = "cv-strip";
  codes.forEach((code, i) => {
    const button = document.createElement("button");
    button.type = "button"; button.className = "ev-swatch"; button.title = `code ${code}`;
    button.append(swatch(code, 48), text("b", "", String(code)), text("small", "", label(i)));
    button.onclick = () => choose(code);
    strip.append(button);
  });
  return strip;
}

function text(tag, kind, words) { const found = document.createElement(tag); found.className = kind; found.textContent = words; return found; }

function openTab(title) { [...document.querySelectorAll('#main button[role="tab"]')].find((tab) => tab.textContent.trim() === title)?.click(); }

// ---- the table ----------------------------------------------------------------------------------------------

const COLUMNS = { code: "code", count: "times seen", share: "share", norm: "length" };

function table() {
  const { size, counts, tokens } = book();
  rows = Array.from({ length: size }, (_, i) => i).filter(shows);
  const key = { code: (i) => i, count: (i) => counts?.[i] ?? 0, share: (i) => counts?.[i] ?? 0, norm: (i) => norms?.[i] ?? 0 }[order];
  rows.sort((a, b) => (rising ? 1 : -1) * (key(a) - key(b)) || a - b);
  const pages = Math.max(1, Math.ceil(rows.length / ROWS));
  page = Math.max(0, Math.min(page, pages - 1));
  const heads = document.createElement("tr");
  for (const [name, label] of Object.entries(COLUMNS)) {
    if ((name === "norm" && !norms) || (!counts && (name === "count" || name === "share"))) continue;
    const th = document.createElement("th"), button = text("button", "", label + (order === name ? (rising ? " ↑" : " ↓") : ""));
    button.type = "button";
    th.setAttribute("aria-sort", order === name ? (rising ? "ascending" : "descending") : "none");
    button.onclick = () => { rising = order === name ? !rising : name === "code"; order = name; page = 0; table(); };
    th.append(button); heads.append(th);
  }
  $(".cv-table thead").replaceChildren(heads);
  $(".cv-table tbody").replaceChildren(...rows.slice(page * ROWS, (page + 1) * ROWS).map((code) => {
    const tr = document.createElement("tr"), td = (content) => { const cell = document.createElement("td"); cell.append(content); tr.append(cell); };
    const button = text("button", "", number(code));
    button.type = "button"; button.onclick = () => choose(code);
    button.prepend(swatch(code, 16));
    td(button);
    if (counts) { td(number(counts[code])); td(counts[code] ? `${number(100 * counts[code] / tokens, 4)} %` : "0"); }
    if (norms) td(plain(norms[code]));
    tr.dataset.dead = dead(code) ? "yes" : "no";
    return tr;
  }));
  $(".cv-page").textContent = rows.length ? `${number(page * ROWS + 1)} to ${number(Math.min(rows.length, (page + 1) * ROWS))} of ${number(rows.length)}` : "none";
}

// ---- hands --------------------------------------------------------------------------------------------------

const fingers = new Map();
let drag = null;

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.clientWidth / box.width, (event.clientY - box.top) * canvas.clientHeight / box.height];
}

function zoomBy(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const scale = () => 0.46 * Math.min(canvas.clientWidth, canvas.clientHeight) * view.zoom;
  const before = scale(), zoom = Math.max(0.5, Math.min(MAX_ZOOM, view.zoom * factor));
  const dx = x - canvas.clientWidth / 2, dy = y - canvas.clientHeight / 2;
  view.zoom = zoom;
  const after = scale();
  view.x += dx / before - dx / after;
  view.y -= dy / before - dy / after;
  draw();
}

canvas.addEventListener("pointermove", (event) => {
  const [x, y] = at(event);
  if (fingers.has(event.pointerId)) {
    const before = fingers.size === 2 ? { spread: spread(fingers) } : null;
    fingers.set(event.pointerId, event);
    if (before) { const now = middle(fingers); zoomBy(spread(fingers) / Math.max(1, before.spread), ...at({ clientX: now.x, clientY: now.y })); drag = null; return; }
  }
  if (drag) {
    const [dx, dy] = [x - drag.x, y - drag.y];
    drag.far = drag.far || Math.hypot(x - drag.x0, y - drag.y0) > 4;
    if (tool === "lasso" || event.shiftKey) { path ??= [[drag.x0, drag.y0]]; path.push([x, y]); }
    else if (drag.far && map) {
      const scale = 0.46 * Math.min(canvas.clientWidth, canvas.clientHeight) * view.zoom;
      if (map.dims === 3) { view.yaw += dx / 150; view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + dy / 150)); }
      else { view.x -= dx / scale; view.y += dy / scale; }
    }
    drag.x = x; drag.y = y;
    hover = null; tell(x, y); draw();
    return;
  }
  const found = map ? nearest(x, y) : null;
  if (found !== hover) { hover = found; draw(); }
  canvas.style.cursor = hover === null ? (tool === "lasso" ? "crosshair" : "grab") : "pointer";
  tell(x, y);
});

canvas.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, event);
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = at(event);
  drag = { x, y, x0: x, y0: y, far: false };
});

function release(event) {
  fingers.delete(event.pointerId);
  if (!drag) return;
  const [x, y] = at(event), clicked = !drag.far && !path;
  if (path && path.length > 3) {
    lasso = new Set();
    for (let i = 0; i < map.codes.length; i++) if (encloses(path, screen[2 * i], screen[2 * i + 1])) lasso.add(map.codes[i]);
    root.dataset.lasso = String(lasso.size);
  }
  path = null; drag = null;
  if (clicked && map && event.type === "pointerup") { const found = nearest(x, y); if (found !== null) choose(map.codes[found]); }
  look();
}
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);
canvas.addEventListener("pointerleave", () => { if (!drag) { hover = null; tell(0, 0); draw(); } });
canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoomBy(Math.exp(-event.deltaY / 300), ...at(event)); }, { passive: false });

function encloses(outline, x, y) {
  let odd = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [xi, yi] = outline[i], [xj, yj] = outline[j];
    if (yi > y !== yj > y && x < (xj - xi) * (y - yi) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

const reset = () => { view = { zoom: 1, x: 0, y: 0, yaw: 0.6, pitch: 0.4 }; draw(); };
const ZOOMS = { in: () => zoomBy(1.5), out: () => zoomBy(1 / 1.5), reset };
for (const button of $$("[data-zoom]")) button.onclick = ZOOMS[button.dataset.zoom];

canvas.addEventListener("keydown", (event) => {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (ways[event.key] && map) {
    event.preventDefault();
    const from = hover ?? map.place.get(chosen) ?? 0, [wx, wy] = ways[event.key];
    let best = null, least = Infinity;
    for (let i = 0; i < map.codes.length; i++) {
      const dx = screen[2 * i] - screen[2 * from], dy = screen[2 * i + 1] - screen[2 * from + 1], along = dx * wx + dy * wy, off = Math.abs(dx * wy) + Math.abs(dy * wx);
      if (along > 0.5 && off <= along && along + off < least) { least = along + off; best = i; }
    }
    if (best !== null) { hover = best; tell(screen[2 * best], screen[2 * best + 1]); draw(); }
  } else if (event.key === "Enter" && hover !== null) choose(map.codes[hover]);
  else if (event.key === "Escape") { lasso = null; hover = null; tell(0, 0); choose(null); look(); }
  else if (event.key === "+" || event.key === "=") zoomBy(1.5);
  else if (event.key === "-") zoomBy(1 / 1.5);
  else if (event.key === "0") reset();
});

$(".cv-goto").addEventListener("change", (event) => {
  const code = Number(event.target.value);
  if (event.target.value !== "" && Number.isInteger(code) && code >= 0 && code < book().size) { say(""); choose(code); }
  else say(`Codes of this level are whole numbers from 0 to ${number(book().size - 1)}.`);
});
for (const button of $$("[data-page]")) button.onclick = () => { page += Number(button.dataset.page); table(); };
$('[data-do="copy"]').onclick = () => navigator.clipboard?.writeText([...lasso].join(" "));
$('[data-do="clear"]').onclick = () => { lasso = null; root.dataset.lasso = ""; look(); };
$(".cv-stop").onclick = async () => { const wanted = { of, method, dims: Number(dims) }; mapVersion++; wait(null); method = "pca"; look(); askMap(); try { await ask("stop", wanted); } catch { /* it has ended by itself */ } };

onShared("model", takeModel);
onShared("picture", takePicture);
onShared("code", (found) => {
  const { model: id, level: name, code, from } = JSON.parse(found);
  if (from === "codebook" || !model || id !== model.id || book()?.name !== name) return;
  choose(code, true);
});
new ResizeObserver(() => {
  if (!visible()) return;
  if (waitingFor && coded()) askMap();
  ask_statistics();
  draw();
}).observe(canvas);
