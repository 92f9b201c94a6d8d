// ---- hands --------------------------------------------------------------------------------------------------

const fingers = new Map();
let drag = null;

function at(event) {
  const [u, v] = placeOn(canvas, event);
  return [u * canvas.clientWidth, v * canvas.clientHeight];
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
  if (ARROWS[event.key] && map) {
    event.preventDefault();
    const shown = (i) => i != null && !Number.isNaN(screen[2 * i + 1]), [wx, wy] = ARROWS[event.key];
    const from = [hover, map.place.get(chosen)].find(shown) ?? map.codes.findIndex((_, i) => shown(i));
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
  if (event.target.value !== "" && Number.isInteger(code) && code >= 0 && code < book().size) { complain(""); choose(code); }
  else complain(`Codes of this level are whole numbers from 0 to ${number(book().size - 1)}.`);
});
$(".cv-at-most").addEventListener("input", (event) => {
  const times = Number(event.target.value);
  if (!Number.isInteger(times) || times < 0) return;
  atMost = times;
  look(); showCode(); askStatistics();
});
for (const button of $$("[data-page]")) button.onclick = () => { page += Number(button.dataset.page); table(); };
$('[data-do="copy"]').onclick = () => navigator.clipboard?.writeText([...lasso].join(" "));
$('[data-do="clear"]').onclick = () => { lasso = null; root.dataset.lasso = ""; look(); };
$(".cv-stop").onclick = async () => { const wanted = { of, method, dims: Number(dims) }; mapVersion++; wait(null); method = "pca"; look(); askMap(); try { await ask("stop", wanted); } catch { /* it has ended by itself */ } };

onShared("model", takeModel);
onShared("picture", takePicture);
onShared("code", (text) => { looked = JSON.parse(text); takeCode(); });
new ResizeObserver(() => {
  if (!visible()) return;
  if (waitingFor && coded()) askMap();
  askStatistics();
  draw();
}).observe(canvas);
