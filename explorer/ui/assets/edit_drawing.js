// ---- drawing -----------------------------------------------------------------------------------------------

const THUMB = 112;
const now = make("canvas");     // the picture as it is, at its own size
const pixels = now.getContext("2d", { willReadFrequently: true });
let layer = null, difference = null, influence = null;

const paint = (image, [top, left]) => pixels.drawImage(image, left, top);

function thumbnail() {
  const small = make("canvas"), scale = THUMB / Math.max(picture.width, picture.height);
  small.width = Math.max(1, Math.round(picture.width * scale)); small.height = Math.max(1, Math.round(picture.height * scale));
  small.getContext("2d").drawImage(now, 0, 0, small.width, small.height);
  return small.toDataURL("image/jpeg", 0.8);
}

function paintLayer() { layer = cellPicture(cells(), current(), book()?.colours); }

// Mean absolute difference over the channels between the picture now and before the first edit, times four.
// Only the part that steps have touched since the last time is painted again.
function paintDifference() {
  const { width, height } = picture, heat = model?.heat;
  difference ??= { ...blank(width, height), moved: new Uint8Array(width * height), stale: [0, 0, height, width] };
  const { context, moved, stale: [top, left, bottom, right] } = difference, across = right - left, down = bottom - top;
  if (!across || !down) return;
  const original = blank(across, down).context;
  original.drawImage(base, -left, -top);
  const before = original.getImageData(0, 0, across, down).data, image = pixels.getImageData(left, top, across, down), after = image.data;
  for (let i = 0; i < after.length; i += 4) {
    const far = (Math.abs(before[i] - after[i]) + Math.abs(before[i + 1] - after[i + 1]) + Math.abs(before[i + 2] - after[i + 2])) / 3;
    const cell = i / 4, at = 3 * Math.min(255, Math.round(4 * far));
    moved[(top + Math.floor(cell / across)) * width + left + cell % across] = far > 0;
    for (let c = 0; c < 3; c++) after[i + c] = heat ? heat[at + c] : far;
  }
  context.putImageData(image, left, top);
  difference.stale = [0, 0, 0, 0];
  difference.count = moved.reduce((sum, one) => sum + one, 0);
}

function blank(width, height) {
  const canvas = Object.assign(make("canvas"), { width, height });
  return { canvas, context: canvas.getContext("2d", { willReadFrequently: true }) };
}

// The picture has changed in these boxes [top, left, bottom, right].
function touched(boxes) {
  for (const [top, left, bottom, right] of difference ? boxes : []) {
    const [t, l, b, r] = difference.stale;
    difference.stale = b ? [Math.min(t, top), Math.min(l, left), Math.max(b, bottom), Math.max(r, right)] : [top, left, bottom, right];
  }
}

let pending = false;
function draw() {
  if (pending || !picture) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; drawAll(); words(); });
}

function drawAll() {
  drawCodes();
  drawPicture("picture", (context, w, h) => context.drawImage(now, 0, 0, w, h));
  drawPicture("change", (context, w, h) => {
    if (shown === "change" && position) { paintDifference(); context.drawImage(difference.canvas, 0, 0, w, h); }
    else if (shown === "influence" && measured()) context.drawImage(influence.image, 0, 0, w, h);
    else if (shown === "slider") {
      context.drawImage(now, 0, 0, w, h);
      context.save(); context.beginPath(); context.rect(0, 0, divider * w, h); context.clip();
      context.drawImage(base, 0, 0, w, h);
      context.restore();
    }
  }, shown === "influence" ? marked(selection(), [aimed()], "new") : undefined);
}

function drawPicture(name, fill, mask = selection()) {
  const fitted = fitCanvas(figures[name].canvas);
  if (!fitted) return;
  const { context, width, height } = fitted;
  context.imageSmoothingEnabled = width < 2.5 * picture.width;
  fill(context, width, height);
  outline(context, width, height, mask);
}

function drawCodes() {
  const fitted = fitCanvas(figures.codes.canvas);
  if (!fitted || !layer || !coded()) return;
  const { context, width, height } = fitted;
  context.imageSmoothingEnabled = false;
  context.drawImage(layer, 0, 0, width, height);
  drawGrid(context, [0, 0, width, height], cells(), current());
  outline(context, width, height, selection());
  if (drag?.tool === "box") {
    const [x, y, bw, bh] = spanned(drag.from, drag.to, width, height);
    context.lineWidth = 2; context.setLineDash([5, 4]); context.strokeStyle = "#fff"; context.strokeRect(x, y, bw, bh);
    context.strokeStyle = ACCENT; context.lineDashOffset = 5; context.strokeRect(x, y, bw, bh); context.setLineDash([]);
  }
}

function box(cell, width, height) {
  const grid = cells(), w = width / grid.columns, h = height / grid.rows;
  return [columnOf(cell) * w, rowOf(cell) * h, w, h];
}

function spanned(a, b, width, height) {
  const [x, y, w, h] = box(a, width, height), [u, v] = box(b, width, height);
  return [Math.min(x, u), Math.min(y, v), Math.abs(x - u) + w, Math.abs(y - v) + h];
}

// The border of some cells, and the cell that is pointed at.
function outline(context, width, height, mask) {
  if (!coded()) return;
  const { columns } = cells();
  context.beginPath();
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const [x, y, w, h] = box(i, width, height), column = i % columns;
    if (!mask[i - columns]) { context.moveTo(x, y); context.lineTo(x + w, y); }
    if (!mask[i + columns]) { context.moveTo(x, y + h); context.lineTo(x + w, y + h); }
    if (column === 0 || !mask[i - 1]) { context.moveTo(x, y); context.lineTo(x, y + h); }
    if (column === columns - 1 || !mask[i + 1]) { context.moveTo(x + w, y); context.lineTo(x + w, y + h); }
  }
  border(context, CHOSEN);
  if (hover === null) return;
  const [x, y, w, h] = box(hover, width, height);
  context.beginPath(); context.rect(x - 1, y - 1, w + 2, h + 2);
  border(context, ACCENT);
}

// What the aimed cell decides, measured by the server once no edit waits; null while it is not known.
let asked = null;
const measured = () => influence?.codes === current() && influence.cell === aimed() ? influence : null;
async function measureInfluence() {
  const cell = aimed(), codes = current();
  if (shown !== "influence" || working || measured() || (asked?.cell === cell && asked.codes === codes)) return;
  const mine = asked = { cell, codes };
  try {
    const found = await ask("influence", { cell }), image = await loadImage(found.picture);
    if (asked === mine) { influence = { ...found, ...mine, image }; draw(); }
  } catch (error) { say(error.message); }
  if (asked === mine) asked = null;
}
