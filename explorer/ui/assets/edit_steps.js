// ---- steps: one after another, undone and redone ----------------------------------------------------------

const queue = [];
let working = false;

// Everything that changes the steps waits for what was asked before it. Of a gesture (a slider that is
// dragged) only the newest waits: what it overtook is never sent.
function enqueue(run, gesture = null) {
  const waiting = queue.at(-1);
  if (gesture && waiting?.gesture === gesture) waiting.run = run;
  else queue.push({ run, gesture, version: pictureVersion });
  work();
}

async function work() {
  if (working) return;
  working = true;
  while (queue.length) {
    const { run, version } = queue.shift();
    if (version !== pictureVersion) continue;                   // asked of a picture that is no longer shown
    say("");
    root.dataset.busy = "yes";
    try { await run(); }
    catch (error) { if (version === pictureVersion) { queue.length = 0; say(error.message); } }
    show();
  }
  working = false;
  remember();
  show();
}

function ask(call, request, codes = codesAt(position)) {
  const levels = Object.fromEntries(picture.levels.map((entry, i) => [entry.name, { grid: entry.shape, codes: packed(codes[i]) }]));
  return answer(call, { model: picture.model, revision: picture.revision, level: cells().name, levels, ...request });
}

function packed(codes) {
  let text = "";
  const bytes = new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength);
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

// Do edits as one step. The steps of one gesture take each other's place, each beginning where the gesture did.
function submit(edits, label, gesture = null) {
  enqueue(async () => {
    const version = pictureVersion, from = gesture && steps[position - 1]?.gesture === gesture ? position - 1 : position;
    const reply = await ask("edit", { edits, original: infers() ? picture.original : null }, codesAt(from));
    const image = await drawn(reply);
    if (version !== pictureVersion) return;
    moveTo(from);
    const changed = add({ edits: reply.edits, label, gesture }, reply, image);
    if (!changed && !gesture) say("Nothing changed: these cells had these codes already.", true);
  }, gesture);
}

const drawn = (reply) => reply.picture ? loadImage(reply.picture) : null;

// Put a step behind the one that is shown, with what the server made of it; false where it changes nothing.
function add(step, reply, image) {
  steps.length = position;
  if (!image) return false;
  const codes = codesAt(position).slice();
  for (const [name, change] of Object.entries(reply.levels)) {
    const at = picture.levels.findIndex((entry) => entry.name === name), values = unpack(change.codes, Int32Array);
    codes[at] = codes[at].slice();
    unpack(change.cells, Int32Array).forEach((cell, i) => { codes[at][cell] = values[i]; });
  }
  steps.push({ ...step, codes, image, box: reply.box, milliseconds: reply.milliseconds });
  moveTo(position + 1);
  steps[position - 1].thumb ??= thumbnail();
  return true;
}

// Patches are exact and drawn in order, so a step back is the steps before it drawn again, from the last that
// covers everything.
function moveTo(target) {
  if (target === position) return;
  const from = target > position ? position : Math.max(0, steps.slice(0, target).findLastIndex(isWhole));
  if (!from) paint(base, [0, 0]);
  for (const { image, box } of steps.slice(from, target)) paint(image, box);
  touched(steps.slice(Math.min(position, target), Math.max(position, target)).map(({ box }) => box));
  position = target;
}

const isWhole = ({ box: [top, left, bottom, right] }) => !top && !left && bottom === picture.height && right === picture.width;

const undo = () => enqueue(() => moveTo(Math.max(0, position - 1)));
const redo = () => enqueue(() => moveTo(Math.min(steps.length, position + 1)));
const goTo = (target) => enqueue(() => moveTo(Math.min(steps.length, target)));

// ---- actions -----------------------------------------------------------------------------------------------

const seed = () => Math.floor(Math.random() * 2 ** 31);
const write = (where, codes) => ({ kind: "write", level: cells().name, cells: where, codes });
const sampled = (entry, where) => ({ kind: "sample_marginal", level: entry.name, cells: where, seed: seed() });

function needSelection() {
  if (count()) return runs(selection());
  say("Select some cells first: drag a box over the codes, or click one.");
  return null;
}

function codeIn(selector) {
  const text = $(selector).value, value = Number(text), size = book()?.size ?? 0;
  if (text !== "" && Number.isInteger(value) && value >= 0 && value < size) return value;
  say(`Codes of this model are whole numbers from 0 to ${number(size - 1)}.`);
  return null;
}

function setTo(code, label = `code ${code}`) {
  const where = needSelection();
  if (where) submit([write(where, [code])], label);
}

const ACTIONS = {
  undo, redo, reset: () => goTo(0),
  set: () => { const code = codeIn(".ev-code"); if (code !== null) setTo(code); },
  random: () => { const where = needSelection(); if (where) submit([{ kind: "randomize", level: cells().name, cells: where, seed: seed() }], "random"); },
  marginal: () => { const where = needSelection(); if (where) submit([sampled(cells(), where)], "from the marginal"); },
  replace: () => {
    const before = codeIn(".ev-old"), after = before === null ? null : codeIn(".ev-new");
    if (after === null) return;
    if (!current().includes(before)) return say(`No cell here has code ${number(before)}.`);
    submit([{ kind: "replace", level: cells().name, old: before, new: after }], `${before} → ${after}`);
  },
  // The experiments of the FSQ paper, on all levels at once; a single code can only fill its own.
  stitch: () => {
    const other = $(".ev-other").value, version = pictureVersion, here = (then) => (found) => { if (version === pictureVersion) then(found); };
    ask("stitch", { example: other }).then(here(({ edits }) => submit(edits, `stitched with ${other}`)), here((error) => say(error.message)));
  },
  sample: () => submit(picture.levels.map((entry) => sampled(entry, every(entry))), "every cell sampled"),
  fill: () => { const code = current()[aimed()]; submit([write(every(cells()), [code])], `filled with ${code}`); },
  copy: () => {
    if (!needSelection()) return;
    const where = [...selection().keys()].filter((cell) => selection()[cell]);
    const top = Math.min(...where.map(rowOf)), left = Math.min(...where.map(columnOf));
    clipboard = { model: picture.model, level: cells().name, top, left, cells: where.map((cell) => [rowOf(cell) - top, columnOf(cell) - left, current()[cell]]), name: picture.name };
    say(`${number(where.length)} cell${where.length > 1 ? "s" : ""} copied. Paste them elsewhere, also into another picture.`, true);
  },
  paste: () => {
    if (!clipboard) return say("Nothing is copied yet: select cells and press copy.");
    if (clipboard.model !== picture.model || clipboard.level !== cells().name) return say("What was copied are codes of another model or level, which mean nothing here.");
    const grid = cells(), here = [...selection().keys()].filter((cell) => selection()[cell]);
    const top = here.length ? rowOf(here[0]) : clipboard.top, left = here.length ? Math.min(...here.map(columnOf)) : clipboard.left;
    const inside = clipboard.cells.map(([r, c, code]) => [r + top, c + left, code]).filter(([r, c]) => r < grid.rows && c < grid.columns)
      .map(([r, c, code]) => [r * grid.columns + c, code]).sort((a, b) => a[0] - b[0]);
    const target = new Uint8Array(current().length);
    for (const [cell] of inside) target[cell] = 1;
    select(target);
    submit([write(runs(target), inside.map(([, code]) => code))], clipboard.name === picture.name ? "pasted" : `pasted from ${clipboard.name}`);
  },
  save, link, load: () => $(".ev-load").click(),
};
for (const button of $$("[data-do]")) button.onclick = () => picture && coded() && ACTIONS[button.dataset.do]();
