// ---- pointing -----------------------------------------------------------------------------------------------

function cellAt(canvas, event) {
  const [u, v] = placeOn(canvas, event), grid = cells();
  const column = Math.floor((u / view.zoom + view.left) * grid.columns), row = Math.floor((v / view.zoom + view.top) * grid.rows);
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
  tellZoom();
  draw();
  if (picture) tell();
}

function tellZoom() {
  root.dataset.zoomed = view.zoom > 1 ? "yes" : "no";
  $('[data-zoom="reset"]').textContent = `${view.zoom < 9.95 ? Number(view.zoom.toFixed(1)) : Math.round(view.zoom)}×`;
}

for (const [name, { canvas }] of Object.entries(figures)) {
  let grabbed = null, moved = false, pointer = "mouse";
  const fingers = new Map();
  canvas.addEventListener("pointermove", (event) => {
    if (!picture) return;
    if (fingers.has(event.pointerId)) {
      const before = spread(fingers);
      fingers.set(event.pointerId, event);
      if (fingers.size === 2 && before) {
        const { x, y } = middle(fingers);
        moved = true;
        return zoomTo(view.zoom * spread(fingers) / before, ...placeOn(canvas, { clientX: x, clientY: y }));
      }
    }
    if (grabbed && view.zoom > 1) {
      const [u, v] = placeOn(canvas, event);
      if (Math.hypot(event.clientX - grabbed.x, event.clientY - grabbed.y) > 4) moved = true;
      if (moved) {
        view.left = grabbed.left - (u - grabbed.u) / view.zoom;
        view.top = grabbed.top - (v - grabbed.v) / view.zoom;
        clampView();
        return;
      }
    }
    point(cellAt(canvas, event), name);
  });
  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    pointer = event.pointerType;
    const [u, v] = placeOn(canvas, event);
    grabbed = { u, v, x: event.clientX, y: event.clientY, left: view.left, top: view.top };
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
    hover = pointer === "mouse" ? index : null;      // a finger points at nothing once it is lifted
    tell(); draw();
  });
  canvas.addEventListener("dblclick", (event) => {
    zoomTo(view.zoom >= MAX_ZOOM ? 1 : view.zoom * 2, ...placeOn(canvas, event));
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;     // plain wheel scrolls the page
    event.preventDefault();
    zoomTo(view.zoom * Math.exp(-event.deltaY / 200), ...placeOn(canvas, event));
  }, { passive: false });
}
figures.codes.canvas.addEventListener("keydown", (event) => {
  if (!picture || !coded()) return;
  const grid = cells(), at = hover ?? pinned ?? 0, row = Math.floor(at / grid.columns), column = at % grid.columns;
  const step = ARROWS[event.key];
  tipFigure = "codes";
  if (step) {
    const r = Math.min(grid.rows - 1, Math.max(0, row + step[1])), c = Math.min(grid.columns - 1, Math.max(0, column + step[0]));
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
  const fraction = (event) => Math.min(0.9999, Math.max(0, placeOn(canvas, event)[0]));
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
