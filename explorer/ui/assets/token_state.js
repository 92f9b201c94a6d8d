// The Tokenize view: one picture in linked canvases. Everything hovered, coloured or zoomed happens here,
// without a round trip; the server sends `value` (the picture), `model` and `measures` as JSON strings. The parts stand in
// one scope: token_state, token_drawing, token_words, token_pointing, token_saving, token_view.

const MODES = {
  code: "code", rarity: "rarity", cost: "distance", margin: "margin", count: "count here",
};
const BARS = 64, MAX_ZOOM = 16;

let picture = null, model = null;
let level = 0, mode = "code", wanted = "code", opacity = 1;   // wanted: the mode, as soon as the model has it
let shownLevels = 0;                              // how many levels the reconstruction is decoded from
let view = { zoom: 1, left: 0, top: 0 };          // left, top: fractions of the picture
let hover = null, pinned = null, band = null;     // hover, pinned: cell index; band: cells lit by legend or bars
let bandPinned = false, bar = -1, layer = null, values = null;
const images = {}, figures = figuresOf();

// ---- the picture as cells ---------------------------------------------------------------------------------

const NO_CELLS = { rows: 1, columns: 1, codes: new Int32Array(0), histogram: [], here: new Map() };
const coded = () => picture.levels.length > 0;
const flat = () => cells().shape?.length === 1;     // codes in a row, which no part of the picture belongs to
const cells = () => picture.levels[level] ?? NO_CELLS;
const book = () => model && model.id === picture.model ? model.levels[level] : null;

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
