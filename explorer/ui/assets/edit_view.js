// The Edit view: select cells, change their codes, see the picture follow. Codes, selection and history live
// here; the server is asked, one call at a time and in order, what an edit makes of the codes and of the picture.
const root = element.querySelector(".tv");
const $ = (selector) => root.querySelector(selector);
const $$ = (selector) => [...root.querySelectorAll(selector)];

const TOOLS = [["cell", "cell"], ["box", "box"], ["brush", "brush"], ["same", "same code"], ["pick", "pick"]];
const VIEWS = [["change", "What changed"], ["influence", "Influence"], ["slider", "Before / after"]];
const GRID_FROM = 11, PRINT_FROM = 30, SHOWN_RUNNERS = 8, THUMB = 56;

let picture = null, model = null, base = null;    // base: the decoded picture before any edit
let level = 0, tool = "box", shown = "change", divider = 0.5;
let codes = [], selected = [];                    // per level: current codes, and 1 for every selected cell
let cursor = 0, hover = null, drag = null;        // cells of the current level; drag: how a gesture began
let steps = [], position = 0;                     // steps[0 .. position) are done, the others were undone
let clipboard = null, chosenCode = 0, influence = null, layer = null, difference = null;
const now = document.createElement("canvas");     // the picture as it is
const pixels = now.getContext("2d", { willReadFrequently: true });
const figures = {};
for (const figure of $$(".tv-figure")) {
  figures[figure.dataset.figure] = { canvas: figure.querySelector("canvas"), fact: figure.querySelector(".tv-fact"), empty: figure.querySelector(".tv-empty") };
}

// ---- what the server sends -------------------------------------------------------------------------------

let modelVersion = 0, pictureVersion = 0, replaying = null;

async function takeModel(text) {
  const version = ++modelVersion, found = await readModel(text);
  if (version !== modelVersion) return;
  model = found;
  if (picture) show();
}

async function takePicture(text) {
  const version = ++pictureVersion, found = JSON.parse(text);
  for (const entry of found.levels) {
    entry.codes = unpack(entry.codes, Int32Array);
    entry.top = unpack(entry.top, Int32Array);
    entry.odds = unpack(entry.odds, Float32Array);
  }
  const decoded = await loadImage(found.reconstruction);
  if (version !== pictureVersion) return;
  queue.length = 0;
  picture = found;
  base = decoded;
  level = Math.max(0, Math.min(level, picture.levels.length - 1));
  codes = picture.levels.map((entry) => entry.codes.slice());
  selected = picture.levels.map((entry) => new Uint8Array(entry.codes.length));
  steps = []; position = 0; cursor = 0; hover = null; drag = null; influence = null;
  now.width = picture.width; now.height = picture.height;
  repaint();
  if (replaying) { const saved = replaying; replaying = null; await replay(saved); }
  else if (!restoreOnce()) remember();
  show();
}

// ---- cells -------------------------------------------------------------------------------------------------

const NO_CELLS = { rows: 1, columns: 1, name: "" };
const coded = () => picture.levels.length > 0;
const cells = () => picture.levels[level] ?? NO_CELLS;
const book = () => model && model.id === picture.model ? model.levels[level] : null;
const current = () => codes[level] ?? new Int32Array(0);
const selection = () => selected[level] ?? new Uint8Array(0);
const count = () => selection().reduce((sum, one) => sum + one, 0);
const every = () => [[0, current().length]];

function runs(mask) {
  const found = [];
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    let end = i;
    while (end < mask.length && mask[end]) end++;
    found.push([i, end - i]);
    i = end;
  }
  return found;
}

function colourOf(code) {
  const colours = book()?.colours;
  return colours ? `rgb(${colours[3 * code]},${colours[3 * code + 1]},${colours[3 * code + 2]})` : "#888";
}

function box(index, width, height) {
  const grid = cells(), w = width / grid.columns, h = height / grid.rows;
  return [(index % grid.columns) * w, Math.floor(index / grid.columns) * h, w, h];
}

// ---- edits: one call after another -----------------------------------------------------------------------

const queue = [];
let working = false;

function packCodes() {
  const text = (array) => { let s = ""; const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength); for (let i = 0; i < bytes.length; i += 8192) s += String.fromCharCode(...bytes.subarray(i, i + 8192)); return btoa(s); };
  return Object.fromEntries(picture.levels.map((entry, i) => [entry.name, { grid: [entry.rows, entry.columns], codes: text(codes[i]) }]));
}

async function ask(call, request) {
  const reply = JSON.parse(await server[call](JSON.stringify({ model: picture.model, revision: picture.revision, levels: packCodes(), level: cells().name, ...request })));
  if (reply.error) throw new Error(reply.error);
  return reply;
}

// An edit waits for those before it. Of a gesture (a slider that is dragged) only the newest waits, and it
// takes the place of the gesture's last step.
function submit(edit, label, gesture = null) {
  const waiting = queue[queue.length - 1];
  if (gesture && waiting?.gesture === gesture) waiting.edit = edit;
  else queue.push({ edit, label, gesture, version: pictureVersion });
  work();
}

async function work() {
  if (working) return;
  working = true;
  root.dataset.busy = "yes";
  try {
    while (queue.length) {
      const { edit, label, gesture, version } = queue.shift();
      if (version !== pictureVersion) continue;
      const last = steps[position - 1];
      if (gesture && last?.gesture === gesture) { undo(); steps.length = position; }
      const reply = await ask("edit", { edit });
      if (version !== pictureVersion) continue;
      if (await take(edit, label, reply, gesture) && $(".ev-infer-box").checked && level < picture.levels.length - 1 && picture.original) {
        const inferred = await ask("infer", { level: cells().name, original: picture.original });
        for (const next of inferred.edits) await take(next, `${next.level} inferred again`, await ask("edit", { edit: next }));
      }
    }
    say("");
  } catch (error) {
    queue.length = 0;
    say(error.message || "The server did not answer. The edit before this one is untouched; try again.");
  } finally {
    working = false;
    root.dataset.busy = "no";
    show();
  }
}

// Add a step from the server's reply; false where nothing changed.
async function take(edit, label, reply, gesture = null) {
  const names = Object.keys(reply.levels);
  if (!names.length) return false;
  const image = await loadImage(reply.picture);
  const changes = names.map((name) => {
    const at = picture.levels.findIndex((entry) => entry.name === name), where = unpack(reply.levels[name].cells, Int32Array);
    return { at, where, before: where.map((cell) => codes[at][cell]), after: unpack(reply.levels[name].codes, Int32Array) };
  });
  steps.length = position;
  steps.push({ edit, label, gesture, changes, image, box: reply.box, milliseconds: reply.milliseconds });
  step(1);
  steps[position - 1].thumb = thumbnail();
  remember();
  return true;
}

function step(direction) {
  const { changes, image, box: [top, left] } = steps[direction > 0 ? position : position - 1];
  for (const { at, where, before, after } of changes) {
    const values = direction > 0 ? after : before;
    where.forEach((cell, i) => { codes[at][cell] = values[i]; });
  }
  position += direction;
  // Patches are exact and drawn in order, so a step back is all steps but the last drawn again.
  if (direction > 0) pixels.drawImage(image, left, top);
  else repaint();
  difference = null;
  influence = null;
}

function repaint() {
  pixels.drawImage(base, 0, 0);
  for (const { image, box: [top, left] } of steps.slice(0, position)) pixels.drawImage(image, left, top);
  difference = null;
}

const undo = () => { if (position > 0) step(-1); };
const redo = () => { if (position < steps.length) step(1); };
function goTo(target) { while (position > target) undo(); while (position < target) redo(); remember(); show(); }

function thumbnail() {
  const small = document.createElement("canvas"), wide = picture.width / picture.height;
  small.width = wide >= 1 ? THUMB * 2 : Math.round(THUMB * 2 * wide); small.height = wide >= 1 ? Math.round(THUMB * 2 / wide) : THUMB * 2;
  small.getContext("2d").drawImage(now, 0, 0, small.width, small.height);
  return small.toDataURL("image/jpeg", 0.8);
}

// ---- actions -----------------------------------------------------------------------------------------------

const write = (runsOfCells, values, label, gesture) => submit({ kind: "write", level: cells().name, cells: runsOfCells, codes: values }, label, gesture);
const seed = () => Math.floor(Math.random() * 2 ** 31);

function needSelection() {
  if (count()) return runs(selection());
  say("Select some cells first: drag a box over the codes, or click one.");
  return null;
}

function codeIn(selector) {
  const value = Number($(selector).value), size = book()?.size ?? 0;
  if ($(selector).value !== "" && Number.isInteger(value) && value >= 0 && value < size) return value;
  say(`Codes of this model are whole numbers from 0 to ${number(size - 1)}.`);
  return null;
}

function setTo(code, label = `code ${code}`, gesture = null) {
  const where = needSelection();
  if (where) write(where, [code], label, gesture);
}

const ACTIONS = {
  undo: () => { undo(); remember(); show(); },
  redo: () => { redo(); remember(); show(); },
  reset: () => goTo(0),
  set: () => { const code = codeIn(".ev-code"); if (code !== null) setTo(code); },
  random: () => { const where = needSelection(); if (where) submit({ kind: "randomize", level: cells().name, cells: where, seed: seed() }, "random"); },
  marginal: () => { const where = needSelection(); if (where) submit({ kind: "sample_marginal", level: cells().name, cells: where, seed: seed() }, "marginal"); },
  sample: () => submit({ kind: "sample_marginal", level: cells().name, cells: every(), seed: seed() }, "all sampled"),
  fill: () => write(every(), [chosenCode], `filled with ${chosenCode}`),
  replace: () => {
    const before = codeIn(".ev-old"), after = before === null ? null : codeIn(".ev-new");
    if (after !== null) submit({ kind: "replace", level: cells().name, old: before, new: after }, `${before} → ${after}`);
  },
  stitch: async () => {
    try { submit((await ask("stitch", { example: $(".ev-other").value })).edit, `stitched, ${$(".ev-other").value}`); } catch (error) { say(error.message); }
  },
  copy: () => {
    if (!needSelection()) return;
    const grid = cells(), mask = selection(), where = [...mask.keys()].filter((i) => mask[i]);
    const rows = where.map((i) => Math.floor(i / grid.columns)), columns = where.map((i) => i % grid.columns);
    const top = Math.min(...rows), left = Math.min(...columns);
    clipboard = { model: picture.model, level: cells().name, top, left, cells: where.map((i, n) => [rows[n] - top, columns[n] - left, current()[i]]), name: picture.name };
    say("");
    show();
  },
  paste: () => {
    if (!clipboard) return say("Nothing is copied yet: select cells and press copy.");
    if (clipboard.model !== picture.model || clipboard.level !== cells().name) return say("What was copied are codes of another model or level, which mean nothing here.");
    const grid = cells(), mask = selection(), first = mask.indexOf(1);
    const top = first < 0 ? clipboard.top : Math.floor(first / grid.columns);
    const left = first < 0 ? clipboard.left : Math.min(...[...mask.keys()].filter((i) => mask[i]).map((i) => i % grid.columns));
    const inside = clipboard.cells.map(([r, c, code]) => [r + top, c + left, code]).filter(([r, c]) => r < grid.rows && c < grid.columns)
      .map(([r, c, code]) => [r * grid.columns + c, code]).sort((a, b) => a[0] - b[0]);
    const target = new Uint8Array(current().length);
    for (const [cell] of inside) target[cell] = 1;
    selected[level] = target;
    write(runs(target), inside.map(([, code]) => code), clipboard.name === picture.name ? "pasted" : `pasted from ${clipboard.name}`);
  },
  save: () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(saved())], { type: "application/json" }));
    link.download = `${picture.name.replace(/[^\w-]+/g, "_") || "picture"}.edit.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },
  link: async () => {
    const url = `${location.origin}${location.pathname}#edit=${await squeezed(JSON.stringify(saved()))}`;
    root.dataset.link = url;
    try { await navigator.clipboard.writeText(url); say("The link is copied. Whoever opens it sees this picture, edit by edit.", true); }
    catch { history.replaceState(null, "", url); say("The link is in the address bar now; copy it from there.", true); }
  },
};
for (const button of $$("[data-do]")) button.onclick = () => picture && coded() && ACTIONS[button.dataset.do]();

// ---- saving, links, reloads --------------------------------------------------------------------------------

function saved() {
  const nested = (entry) => Array.from({ length: entry.rows }, (_, r) => [...entry.codes.subarray(r * entry.columns, (r + 1) * entry.columns)]);
  const levels = Object.fromEntries(picture.levels.map((entry) => [entry.name, { grid: [entry.rows, entry.columns], codes: nested(entry) }]));
  return {
    codebook_explorer_edit: 1, name: picture.name, picture: picture.sha256 ?? "",
    start: { model: picture.model, revision: picture.revision, image_size: [picture.height, picture.width], levels },
    edits: steps.slice(0, position).map(({ edit }) => edit),
  };
}

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}
async function squeezed(text) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
async function unsqueezed(text) {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  return new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes));
}

// Ask the page to show what a saved edit starts from; its steps follow when that picture arrives.
function open(text) {
  try { replaying = JSON.parse(text); } catch { return say("This file is not JSON, so it is no saved edit."); }
  props.value = text;
  trigger("open");
}

async function replay(found) {
  try {
    const reply = JSON.parse(await server.replay(JSON.stringify({ saved: found })));
    if (reply.error) throw new Error(reply.error);
    for (const [i, change] of reply.steps.entries()) await take(found.edits[i], "replayed", change);
    say(`Replayed ${found.edits.length} edit${found.edits.length === 1 ? "" : "s"}${found.name ? ` of ${found.name}` : ""}.`, true);
  } catch (error) { say(error.message); }
}

const KEPT = "codebook-explorer-edit";
function remember() {
  try {
    if (position) sessionStorage.setItem(KEPT, JSON.stringify(saved()));
    else sessionStorage.removeItem(KEPT);
  } catch { /* a browser without storage forgets on reload */ }
}
let restored = false;
function restoreOnce() {
  if (restored) return false;
  restored = true;
  const hash = new URLSearchParams(location.hash.slice(1)).get("edit");
  let kept = null;
  try { kept = sessionStorage.getItem(KEPT); } catch { /* as above */ }
  if (hash) unsqueezed(hash).then(open, () => say("This link is damaged: it holds no edit that can be read."));
  else if (kept) open(kept);
  return Boolean(hash || kept);
}
addEventListener("hashchange", () => { restored = false; if (location.hash.startsWith("#edit=")) restoreOnce(); });
$(".ev-load").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (file) open(await file.text());
});

// ---- drawing -----------------------------------------------------------------------------------------------

function paintLayer() {
  const grid = cells(), colours = book()?.colours;
  layer = document.createElement("canvas");
  layer.width = grid.columns; layer.height = grid.rows;
  const context = layer.getContext("2d"), data = context.createImageData(grid.columns, grid.rows);
  current().forEach((code, i) => {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = colours ? colours[3 * code + c] : 128;
    data.data[4 * i + 3] = 255;
  });
  context.putImageData(data, 0, 0);
}

// Mean absolute difference over the channels between the picture now and before the first edit.
function paintDifference() {
  const { width, height } = picture, before = document.createElement("canvas");
  before.width = width; before.height = height;
  const context = before.getContext("2d", { willReadFrequently: true });
  context.drawImage(base, 0, 0);
  const a = context.getImageData(0, 0, width, height).data, b = pixels.getImageData(0, 0, width, height);
  let moved = 0;
  const heat = model?.heat;
  for (let i = 0; i < b.data.length; i += 4) {
    const far = (Math.abs(a[i] - b.data[i]) + Math.abs(a[i + 1] - b.data[i + 1]) + Math.abs(a[i + 2] - b.data[i + 2])) / 3;
    if (far) moved++;
    const at = 3 * Math.min(255, Math.round(4 * far));
    for (let c = 0; c < 3; c++) b.data[i + c] = heat ? heat[at + c] : far;
  }
  difference = { canvas: before, moved };
  context.putImageData(b, 0, 0);
}

function drawAll() {
  drawCodes();
  drawPicture("picture", (context, w, h) => context.drawImage(now, 0, 0, w, h));
  drawPicture("change", (context, w, h) => {
    if (shown === "change") { if (!difference) paintDifference(); context.drawImage(difference.canvas, 0, 0, w, h); }
    else if (shown === "influence" && influence) context.drawImage(influence.image, 0, 0, w, h);
    else if (shown === "slider") {
      context.drawImage(now, 0, 0, w, h);
      context.save(); context.beginPath(); context.rect(0, 0, divider * w, h); context.clip();
      context.drawImage(base, 0, 0, w, h);
      context.restore();
    }
  });
}

function drawPicture(name, paint) {
  const fitted = fitCanvas(figures[name].canvas);
  if (!fitted) return;
  const { context, width, height } = fitted;
  context.imageSmoothingEnabled = width < 2.5 * picture.width;
  paint(context, width, height);
  outline(context, width, height);
}

function drawCodes() {
  const fitted = fitCanvas(figures.codes.canvas);
  if (!fitted || !layer || !coded()) return;
  const { context, width, height } = fitted, grid = cells(), w = width / grid.columns, h = height / grid.rows;
  context.imageSmoothingEnabled = false;
  context.drawImage(layer, 0, 0, width, height);
  if (Math.min(w, h) >= GRID_FROM) {
    context.strokeStyle = "rgba(0,0,0,0.25)"; context.lineWidth = 1; context.beginPath();
    for (let c = 1; c < grid.columns; c++) { context.moveTo(c * w, 0); context.lineTo(c * w, height); }
    for (let r = 1; r < grid.rows; r++) { context.moveTo(0, r * h); context.lineTo(width, r * h); }
    context.stroke();
  }
  if (Math.min(w, h) >= PRINT_FROM) {
    context.font = `${Math.min(13, Math.floor(w / 3.2))}px system-ui, sans-serif`;
    context.textAlign = "center"; context.textBaseline = "middle";
    current().forEach((code, i) => {
      const [x, y] = box(i, width, height);
      context.lineWidth = 3; context.strokeStyle = "rgba(255,255,255,0.85)"; context.strokeText(code, x + w / 2, y + h / 2);
      context.fillStyle = "#111"; context.fillText(code, x + w / 2, y + h / 2);
    });
  }
  outline(context, width, height);
  if (drag?.box) {
    const [x, y, bw, bh] = spanned(drag.from, drag.to, width, height);
    context.lineWidth = 2; context.setLineDash([5, 4]); context.strokeStyle = "#fff"; context.strokeRect(x, y, bw, bh);
    context.strokeStyle = "#4f46e5"; context.lineDashOffset = 5; context.strokeRect(x, y, bw, bh); context.setLineDash([]);
  }
}

function spanned(a, b, width, height) {
  const grid = cells(), rows = [a, b].map((i) => Math.floor(i / grid.columns)), columns = [a, b].map((i) => i % grid.columns);
  const w = width / grid.columns, h = height / grid.rows;
  return [Math.min(...columns) * w, Math.min(...rows) * h, (Math.abs(columns[0] - columns[1]) + 1) * w, (Math.abs(rows[0] - rows[1]) + 1) * h];
}

// The border of the selection, and the cell that is pointed at.
function outline(context, width, height) {
  if (!coded()) return;
  const mask = selection(), grid = cells();
  for (const [colour, line] of [["rgba(255,255,255,0.95)", 4], ["#c2410c", 2]]) {
    context.strokeStyle = colour; context.lineWidth = line; context.beginPath();
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      const [x, y, w, h] = box(i, width, height), column = i % grid.columns;
      if (!mask[i - grid.columns]) { context.moveTo(x, y); context.lineTo(x + w, y); }
      if (!mask[i + grid.columns]) { context.moveTo(x, y + h); context.lineTo(x + w, y + h); }
      if (column === 0 || !mask[i - 1]) { context.moveTo(x, y); context.lineTo(x, y + h); }
      if (column === grid.columns - 1 || !mask[i + 1]) { context.moveTo(x + w, y); context.lineTo(x + w, y + h); }
    }
    context.stroke();
  }
  if (hover === null) return;
  const [x, y, w, h] = box(hover, width, height);
  context.lineWidth = 4; context.strokeStyle = "rgba(255,255,255,0.95)"; context.strokeRect(x - 1, y - 1, w + 2, h + 2);
  context.lineWidth = 2; context.strokeStyle = "#4f46e5"; context.strokeRect(x - 1, y - 1, w + 2, h + 2);
}

let pending = false;
function draw() {
  if (pending || !picture) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; drawAll(); words(); });
}

// ---- words, palette, digits, history -----------------------------------------------------------------------

let good = false;
function say(text, isGood = false) {
  const message = $(".ev-message");
  if (!text && good) return;                      // good news stay until something else is said
  good = isGood;
  message.textContent = text;
  message.hidden = !text;
  message.dataset.good = isGood ? "yes" : "no";
}

function show() {
  const there = coded();
  root.style.setProperty("--aspect", picture.width / picture.height);
  root.dataset.codes = there ? "yes" : "no";
  figures.codes.empty.hidden = there;
  buttons($(".ev-tools"), TOOLS, tool, (key) => { tool = key; show(); });
  buttons($(".ev-views"), VIEWS, shown, (key) => { shown = key; measureInfluence(); show(); });
  buttons($(".tv-levels"), picture.levels.map((entry, i) => [String(i), entry.name]), String(level), (key) => { level = Number(key); cursor = 0; hover = null; influence = null; show(); });
  $(".tv-levels-group").hidden = picture.levels.length < 2;
  $(".ev-infer").hidden = !(picture.levels.length > 1 && level < picture.levels.length - 1 && picture.original);
  if (there) {
    paintLayer();
    const mask = selection(), first = mask[cursor] ? cursor : mask.indexOf(1);
    chosenCode = current()[first < 0 ? cursor : first];
    palette();
    digits();
    runnersUp(first < 0 ? cursor : first);
    measureInfluence();
  }
  $(".ev-fill").textContent = there ? number(chosenCode) : "";
  for (const [name, able] of [["undo", position > 0], ["redo", position < steps.length], ["reset", position > 0]]) $(`[data-do="${name}"]`).disabled = !able;
  historyStrip();
  root.dataset.ready = "yes";
  root.dataset.model = picture.model;
  root.dataset.picture = picture.name;
  root.dataset.grid = there ? `${cells().rows}x${cells().columns}` : "";
  root.dataset.steps = `${position}/${steps.length}`;
  root.dataset.selected = String(count());
  root.dataset.busy = working ? "yes" : "no";
  draw();
}

function words() {
  const chosen = count(), distinct = new Set(current().filter((_, i) => selection()[i])).size;
  $(".ev-selected").textContent = hover !== null ? `row ${Math.floor(hover / cells().columns)}, column ${hover % cells().columns}: code ${number(current()[hover])}`
    : chosen ? `${number(chosen)} cell${chosen > 1 ? "s" : ""} selected · ${number(distinct)} code${distinct > 1 ? "s" : ""}` : "nothing selected";
  root.dataset.cell = hover === null ? "" : `${Math.floor(hover / cells().columns)},${hover % cells().columns}`;
  root.dataset.code = hover === null ? "" : String(current()[hover]);
  const entry = picture.levels[level];
  const changed = entry ? current().reduce((sum, code, i) => sum + (code !== entry.codes[i]), 0) : 0;
  figures.codes.fact.textContent = entry ? `${number(changed)} of ${number(current().length)} changed` : "";
  const last = steps[position - 1];
  figures.picture.fact.textContent = working ? "decoding…" : last ? `re-decoded in ${plain(last.milliseconds)} ms` : `${picture.width} × ${picture.height}`;
  const caption = $(".ev-change-caption"), fact = figures.change.fact;
  $(".ev-divider").hidden = shown !== "slider";
  if (shown === "change") {
    fact.textContent = difference ? `${number(difference.moved)} px` : "";
    caption.textContent = position ? "How far each pixel moved from the picture before the first edit; black did not move." : "Nothing was edited yet. Select cells and give them another code.";
  } else if (shown === "influence") {
    fact.textContent = influence ? `${number(influence.pixels)} px` : "";
    caption.textContent = !influence ? "Click a cell: its code is tried with others, and every pixel that moves is shown."
      : influence.reach === null ? "This model has attention: one code can move every pixel. Brighter moves more."
      : `Measured by trying other codes in this cell: it reaches at most ${influence.reach} pixels around it. Brighter moves more.`;
  } else { fact.textContent = ""; caption.textContent = "Left of the line: before the first edit. Drag it."; }
}

function swatchButton(code, below, act) {
  const reference = book(), button = document.createElement("button");
  button.type = "button";
  button.className = "ev-swatch";
  button.dataset.code = code;
  button.title = `Set the selection to code ${code}`;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 48;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  if (reference?.sheet) {
    const side = reference.tile, across = reference.atlas_columns;
    context.drawImage(reference.sheet, (code % across) * side, Math.floor(code / across) * side, side, side, 0, 0, 48, 48);
  } else { context.fillStyle = colourOf(code); context.fillRect(0, 0, 48, 48); }
  const strong = document.createElement("b"), small = document.createElement("small");
  strong.textContent = number(code); small.textContent = below;
  button.append(canvas, strong, small);
  button.onclick = act;
  return button;
}

let paletteOf = "";
async function palette() {
  const key = `${picture.model} ${level} ${chosenCode} ${Boolean(book()?.sheet)}`;
  if (key === paletteOf) return;
  paletteOf = key;
  $(".ev-palette-fact").textContent = `nearest codes to ${number(chosenCode)}, with their distance`;
  try {
    const found = await ask("neighbours", { code: chosenCode, levels: {} });
    if (key !== paletteOf) return;
    $(".ev-palette").replaceChildren(...found.codes.map((code, i) => swatchButton(code, plain(found.distances[i]), () => setTo(code))));
  } catch (error) { paletteOf = ""; say(error.message); }
}

function runnersUp(cell) {
  const entry = picture.levels[level], there = Boolean(entry.top);
  $(".ev-runners-up").hidden = !there;
  if (!there) return;
  const per = entry.top.length / entry.codes.length;
  $(".ev-runners-fact").textContent = `row ${Math.floor(cell / entry.columns)}, column ${cell % entry.columns}, with their probability`;
  $(".ev-runners").replaceChildren(...Array.from({ length: Math.min(per, SHOWN_RUNNERS) }, (_, i) => {
    const code = entry.top[cell * per + i];
    return swatchButton(code, `${(100 * entry.odds[cell * per + i]).toFixed(1)} %`, () => setTo(code));
  }));
}

// FSQ and LFQ: one slider per digit, and the index as the sum of digits times their places.
let gestures = 0;
function digits() {
  const panel = $(".ev-digits"), radices = book()?.radices ?? [];
  panel.hidden = !radices.length;
  if (!radices.length) { panel.replaceChildren(); return; }
  const places = radices.map((_, i) => radices.slice(0, i).reduce((a, b) => a * b, 1));
  const values = radices.map((radix, i) => Math.floor(chosenCode / places[i]) % radix);
  if (panel.children.length !== radices.length + 1) {
    panel.replaceChildren(...radices.map((radix, i) => {
      const label = document.createElement("label"), slider = document.createElement("input"), text = document.createElement("span");
      Object.assign(slider, { type: "range", min: 0, max: radix - 1, step: 1 });
      slider.dataset.channel = i;
      slider.addEventListener("pointerdown", () => { gestures++; });
      slider.addEventListener("keydown", () => { gestures++; });
      slider.addEventListener("input", () => {
        const where = needSelection();
        if (where) submit({ kind: "set_digit", level: cells().name, cells: where, channel: i, digit: Number(slider.value) }, `digit ${i + 1} = ${slider.value}`, `digit${gestures}`);
      });
      label.append(`digit ${i + 1}`, slider, text);
      return label;
    }), document.createElement("p"));
  }
  radices.forEach((radix, i) => {
    const slider = panel.children[i].querySelector("input");
    if (document.activeElement !== slider || !working) slider.value = values[i];
    panel.children[i].querySelector("span").textContent = `${values[i]} of 0–${radix - 1}`;
  });
  panel.lastChild.textContent = `${values.map((value, i) => i ? `${value} × ${number(places[i])}` : value).join(" + ")} = ${number(chosenCode)}`;
}

function historyStrip() {
  const entries = [{ thumb: null, label: "start" }, ...steps];
  $(".ev-history").replaceChildren(...entries.map(({ thumb, label }, i) => {
    const button = document.createElement("button"), image = document.createElement("img");
    button.type = "button";
    button.title = `${i ? `${i}. ${label}` : "Before the first edit"}`;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", String(i === position));
    button.dataset.undone = i > position ? "yes" : "no";
    image.alt = "";
    image.src = i ? thumb ?? "" : picture.reconstruction;
    button.append(image);
    button.onclick = () => goTo(i);
    return button;
  }));
}

let measuring = 0;
async function measureInfluence() {
  if (shown !== "influence" || !coded() || influence?.cell === cursor) return;
  const turn = ++measuring, cell = cursor, grid = cells();
  influence = null;
  try {
    const found = await ask("influence", { row: Math.floor(cell / grid.columns), column: cell % grid.columns });
    const image = await loadImage(found.picture);
    if (turn !== measuring) return;
    influence = { ...found, image, cell };
    draw();
  } catch (error) { say(error.message); }
}

// ---- pointing and keys -------------------------------------------------------------------------------------

function cellAt(canvas, event) {
  const rect = canvas.getBoundingClientRect(), grid = cells();
  const column = Math.floor((event.clientX - rect.left) / rect.width * grid.columns), row = Math.floor((event.clientY - rect.top) / rect.height * grid.rows);
  return column < 0 || row < 0 || column >= grid.columns || row >= grid.rows ? null : row * grid.columns + column;
}

function choose(indices, event, onTopOf = null) {
  const mask = onTopOf ? onTopOf.slice() : event.shiftKey || event.altKey ? selection().slice() : new Uint8Array(current().length);
  for (const i of indices) mask[i] = event.altKey ? 0 : 1;
  selected[level] = mask;
}

function within(a, b) {
  const grid = cells(), [r0, r1] = [a, b].map((i) => Math.floor(i / grid.columns)).sort((x, y) => x - y), [c0, c1] = [a, b].map((i) => i % grid.columns).sort((x, y) => x - y);
  const found = [];
  for (let r = r0; r <= r1; r++) for (let c = c0; c <= c1; c++) found.push(r * grid.columns + c);
  return found;
}

for (const canvas of [figures.codes.canvas, figures.picture.canvas]) {
  canvas.addEventListener("pointerdown", (event) => {
    if (!picture || !coded() || event.button) return;
    const index = cellAt(canvas, event);
    if (index === null) return;
    canvas.setPointerCapture(event.pointerId);
    cursor = index;
    if (tool === "pick") { pick(index); return; }
    if (tool === "same") { const code = current()[index]; choose([...current().keys()].filter((i) => current()[i] === code), event); show(); return; }
    drag = { from: index, to: index, box: tool === "box", tool, keep: event.shiftKey || event.altKey ? selection().slice() : new Uint8Array(current().length), alt: event.altKey };
    choose([index], event, drag.keep);
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!picture || !coded()) return;
    const index = cellAt(canvas, event);
    if (drag && index !== null && index !== drag.to) {
      if (drag.tool === "box") choose(within(drag.from, index), { altKey: drag.alt }, drag.keep);
      else if (drag.tool === "brush") { choose(line(drag.to, index), { altKey: drag.alt }, selection()); }
      drag.to = index;
    }
    if (index !== hover) { hover = index; draw(); }
  });
  const release = () => { if (drag) { drag = null; show(); } };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { if (hover !== null) { hover = null; draw(); } });
}

// All cells on the way from one to the other, so that a fast brush leaves no gaps.
function line(a, b) {
  const grid = cells(), r0 = Math.floor(a / grid.columns), c0 = a % grid.columns, r1 = Math.floor(b / grid.columns), c1 = b % grid.columns;
  const far = Math.max(Math.abs(r1 - r0), Math.abs(c1 - c0), 1);
  return Array.from({ length: far + 1 }, (_, i) => Math.round(r0 + (r1 - r0) * i / far) * grid.columns + Math.round(c0 + (c1 - c0) * i / far));
}

// The eyedropper: the selection takes the code of the cell that is picked.
function pick(index) {
  const code = current()[index];
  if (count()) setTo(code, `picked ${code}`);
  $(".ev-code").value = code;
  show();
}

{ const canvas = figures.change.canvas;
  const follow = (event) => { if (shown !== "slider") return; const rect = canvas.getBoundingClientRect(); divider = Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width)); $(".ev-divider").style.left = `${100 * divider}%`; draw(); };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); follow(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); }); }

figures.codes.canvas.addEventListener("keydown", (event) => {
  if (!picture || !coded() || event.ctrlKey || event.metaKey) return;
  const grid = cells(), move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (move) {
    const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(cursor / grid.columns) + move[0])), column = Math.min(grid.columns - 1, Math.max(0, cursor % grid.columns + move[1]));
    cursor = hover = row * grid.columns + column;
    if (event.shiftKey || event.altKey) choose([cursor], event);
    show();
  } else if (event.key === " " || event.key === "Enter") { const mask = selection().slice(); mask[cursor] = mask[cursor] ? 0 : 1; selected[level] = mask; show(); }
  else return;
  event.preventDefault();
});
root.addEventListener("keydown", (event) => {
  if (!picture || !coded()) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range", key = event.key.toLowerCase();
  if (event.key === "Escape") { selected[level] = new Uint8Array(current().length); hover = null; show(); }
  else if (event.key === "Enter" && event.target.matches(".ev-code")) ACTIONS.set();
  else if (!typing && (event.ctrlKey || event.metaKey) && key === "z") (event.shiftKey ? ACTIONS.redo : ACTIONS.undo)();
  else if (!typing && (event.ctrlKey || event.metaKey) && key === "y") ACTIONS.redo();
  else if (!typing && (event.ctrlKey || event.metaKey) && key === "c") ACTIONS.copy();
  else if (!typing && (event.ctrlKey || event.metaKey) && key === "v") ACTIONS.paste();
  else if (!typing && (event.ctrlKey || event.metaKey) && key === "a") { selected[level] = new Uint8Array(current().length).fill(1); show(); }
  else return;
  event.preventDefault();
});

// For tests and for the curious: the picture as it is now, at its own size.
window.explorerEditPicture = () => now.toDataURL("image/png");

// ---- life --------------------------------------------------------------------------------------------------

$(".ev-other").replaceChildren(...JSON.parse(props.examples).map((name) => Object.assign(document.createElement("option"), { value: name, textContent: name })));
new ResizeObserver(() => draw()).observe(root);
onShared("model", takeModel);
onShared("picture", takePicture);
