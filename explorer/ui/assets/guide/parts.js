// The Guide: ten steps, one shown at a time. The parts stand in one scope: parts, one for what is live in each step
// (live.<key> fills a box and returns what redraws it), and turning.
const live = {};

const ink = () => getComputedStyle(root).color;
const accent = () => themed("--color-accent");
const faint = () => themed("--border-color-primary");
const ask = (call, request = {}) => answer(call, request);

// Runs `work` for the newest wish alone: while one is under way, the wishes between are left out.
function newest(box, work) {
  let wanted = false, busy = false;
  return async () => {
    wanted = true;
    if (busy) return;
    busy = true;
    try {
      while (wanted) { wanted = false; await work(); }
      box.querySelector(".gv-error")?.remove();
    } catch (error) {
      box.querySelector(".gv-error")?.remove();
      box.append(make("p", "gv-error", error.message));
    } finally { busy = false; }
  };
}

function slider(label, low, high, step, value, show, act) {
  const input = make("input"), out = make("output", "", show(value)), whole = make("label", "gv-slider", "", make("span", "", label), input, out);
  Object.assign(input, { type: "range", min: low, max: high, step, value });
  input.oninput = () => { out.textContent = show(Number(input.value)); act(Number(input.value)); };
  return whole;
}

// A square of the plane from -1 to 1 (y upwards) with a point that is dragged, or moved by the arrow keys.
function plane(label, start, moved, draw) {
  const canvas = make("canvas", "gv-plane"), point = [...start];
  canvas.tabIndex = 0; canvas.setAttribute("role", "application"); canvas.setAttribute("aria-label", `${label} Arrow keys move the point.`);
  const place = (event) => { const [u, v] = placeOn(canvas, event); put(2 * u - 1, 1 - 2 * v); };
  const put = (x, y) => { point[0] = Math.max(-1, Math.min(1, x)); point[1] = Math.max(-1, Math.min(1, y)); moved(point); };
  canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); place(event); };
  canvas.onpointermove = (event) => { if (canvas.hasPointerCapture(event.pointerId)) place(event); };
  canvas.onkeydown = (event) => {
    const by = ARROWS[event.key];
    if (by) { event.preventDefault(); put(point[0] + 0.05 * by[0], point[1] - 0.05 * by[1]); }
  };
  const redraw = () => {
    const found = fitCanvas(canvas);
    if (!found) return;
    const { context, width, height } = found;
    const at = ([x, y]) => [(x + 1) / 2 * width, (1 - y) / 2 * height];
    draw(context, at, width, height, point);
  };
  return { canvas, redraw, point };
}

function arrow(context, [x0, y0], [x1, y1], colour) {
  const angle = Math.atan2(y1 - y0, x1 - x0), head = Math.min(9, Math.hypot(x1 - x0, y1 - y0));
  context.strokeStyle = context.fillStyle = colour; context.lineWidth = 2.5;
  context.beginPath(); context.moveTo(x0, y0); context.lineTo(x1, y1); context.stroke();
  context.beginPath(); context.moveTo(x1, y1);
  for (const turn of [2.6, -2.6]) context.lineTo(x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn));
  context.fill();
}

const nearestTo = (point, places) => places.reduce((best, place, i) => Math.hypot(place[0] - point[0], place[1] - point[1]) < Math.hypot(places[best][0] - point[0], places[best][1] - point[1]) ? i : best, 0);

// A picture divided into cells of which one is chosen, by pointer or arrow keys.
function cells(label, chosen) {
  const canvas = make("canvas", "gv-cells"), state = { image: null, rows: 1, columns: 1, row: 0, column: 0 };
  canvas.tabIndex = 0; canvas.setAttribute("role", "application"); canvas.setAttribute("aria-label", `${label} Arrow keys go from cell to cell.`);
  const put = (row, column) => {
    row = Math.max(0, Math.min(state.rows - 1, row)); column = Math.max(0, Math.min(state.columns - 1, column));
    if (row === state.row && column === state.column) return;
    Object.assign(state, { row, column }); redraw(); chosen(state);
  };
  const place = (event) => { const [u, v] = placeOn(canvas, event); put(Math.floor(v * state.rows), Math.floor(u * state.columns)); };
  canvas.onpointerdown = place;
  canvas.onpointermove = (event) => { if (event.pointerType === "mouse") place(event); };
  canvas.onkeydown = (event) => {
    const by = ARROWS[event.key];
    if (by) { event.preventDefault(); put(state.row + by[1], state.column + by[0]); }
  };
  const redraw = () => {
    if (state.image) canvas.style.aspectRatio = `${state.image.width} / ${state.image.height}`;
    const found = fitCanvas(canvas);
    if (!found || !state.image) return;
    const { context, width, height } = found, w = width / state.columns, h = height / state.rows;
    context.drawImage(state.image, 0, 0, width, height);
    context.lineWidth = 1; context.strokeStyle = "rgba(255,255,255,.28)"; context.beginPath();
    for (let r = 1; r < state.rows; r++) { context.moveTo(0, r * h); context.lineTo(width, r * h); }
    for (let c = 1; c < state.columns; c++) { context.moveTo(c * w, 0); context.lineTo(c * w, height); }
    context.stroke();
    context.lineWidth = 5; context.strokeStyle = "#000"; context.strokeRect(state.column * w - 1, state.row * h - 1, w + 2, h + 2);
    context.lineWidth = 3; context.strokeStyle = "#fff"; context.strokeRect(state.column * w - 1, state.row * h - 1, w + 2, h + 2);
  };
  return { canvas, state, redraw };
}

// The picture that the page opens with, whose cells some steps look into.
let opening = null;
async function openingInto(chooser, row, column) {
  opening ??= ask("picture");
  const reply = await opening;
  if (!chooser.state.image) {
    Object.assign(chooser.state, { image: await loadImage(reply.picture), rows: reply.rows, columns: reply.columns, row, column });
    chooser.redraw();
  }
  return reply;
}

function small(url, size = 28) { const image = new Image(size, size); image.src = url; image.alt = ""; image.className = "gv-swatch"; return image; }
