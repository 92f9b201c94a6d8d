// The Edit view: select cells, change their codes, see the picture follow. Codes, selection and history live
// here; the server is asked what an edit makes of the codes and of the picture. The parts stand in one scope:
// edit_state, edit_steps, edit_saved, edit_drawing, edit_panels, edit_pointing, edit_view.
const TOOLS = [["cell", "cell"], ["box", "box"], ["brush", "brush"], ["same", "same code"], ["pick", "pick"]];
const WAYS = [["new", "new"], ["add", "add"], ["remove", "remove"]];
const VIEWS = [["change", "Changes"], ["influence", "Influence"], ["slider", "Before / after"]];

const touch = navigator.maxTouchPoints > 0;

let picture = null, model = null, base = null;    // base: the decoded picture before any edit
let level = 0, tool = "box", way = "new", shown = "change", divider = 0.5;
let selected = [];                                // per level: 1 for every selected cell
let cursor = 0, hover = null, drag = null;        // cells of the current level; drag: how a gesture began
let steps = [], position = 0;                     // steps[0 .. position) are done, the others were undone
let inferring = false;                            // whether finer levels are inferred again after an edit
let clipboard = null, anchor = null;              // anchor: the code whose neighbours the palette shows
const figures = figuresOf();

const NO_CELLS = { rows: 1, columns: 1, name: "" };
const coded = () => picture.levels.length > 0;
const cells = () => picture.levels[level] ?? NO_CELLS;
const book = () => model && model.id === picture.model ? model.levels[level] : null;

// The codes of all levels after so many steps. A step holds its own; none is ever written to.
const codesAt = (at) => at ? steps[at - 1].codes : picture.levels.map((entry) => entry.codes);
const current = () => codesAt(position)[level] ?? new Int32Array(0);

const selection = () => selected[level] ?? new Uint8Array(0);
const count = () => selection().reduce((sum, one) => sum + one, 0);
const every = (entry) => [[0, entry.rows * entry.columns]];
const rowOf = (cell) => Math.floor(cell / cells().columns), columnOf = (cell) => cell % cells().columns;
const finer = () => picture.levels.slice(level + 1).map((entry) => entry.name);
const infers = () => inferring && finer().length > 0 && Boolean(picture.original);

// The cell that digits, runner-up codes and influence speak of.
function aimed() {
  if (selection()[cursor]) return cursor;
  const first = selection().indexOf(1);
  return first < 0 ? cursor : first;
}

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

// Bad news stay until the next action; good news go by themselves.
let silence = 0;
function say(text, isGood = false) {
  const message = $(".ev-message");
  clearTimeout(silence);
  message.textContent = text;
  message.hidden = !text;
  message.dataset.good = isGood ? "yes" : "no";
  if (text && isGood) silence = setTimeout(() => say(""), 8000);
}
