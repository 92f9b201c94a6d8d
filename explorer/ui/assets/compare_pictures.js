// ---- pictures with one zoom for all ------------------------------------------------------------------------

const LARGEST = 32;
let view = { zoom: 1, x: 0.5, y: 0.5 }, divider = 0.5, between = [0, 1];   // x, y: the middle, in shares of the picture
const canvases = new Map();                            // canvas -> draws it

function limited() {
  view.zoom = Math.max(1, Math.min(LARGEST, view.zoom));
  const half = 0.5 / view.zoom;
  view.x = Math.max(half, Math.min(1 - half, view.x)); view.y = Math.max(half, Math.min(1 - half, view.y));
  root.dataset.zoom = view.zoom.toFixed(2);
  for (const draw of canvases.values()) draw();
}

// Zoom by a factor around a place on a canvas, in shares of it.
function zoom(by, u = 0.5, v = 0.5) {
  const before = view.zoom;
  view.zoom = Math.max(1, Math.min(LARGEST, before * by));
  view.x += (u - 0.5) * (1 / before - 1 / view.zoom); view.y += (v - 0.5) * (1 / before - 1 / view.zoom);
  limited();
}

function paint(context, image, width, height) {
  const w = image.width / view.zoom, h = image.height / view.zoom;
  context.imageSmoothingEnabled = width / w < 2 && image.width > 128;
  context.drawImage(image, view.x * image.width - w / 2, view.y * image.height - h / 2, w, h, 0, 0, width, height);
}

function movable(canvas) {
  const fingers = new Map();
  canvas.addEventListener("wheel", (event) => { if (!event.ctrlKey && view.zoom === 1 && event.deltaY > 0) return; event.preventDefault(); zoom(Math.exp(-event.deltaY / 400), ...placeOn(canvas, event)); }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => { fingers.set(event.pointerId, event); if (view.zoom > 1 || fingers.size > 1) canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const box = canvas.getBoundingClientRect(), apart = spread(fingers), before = fingers.size === 2 ? middle(fingers) : null;
    fingers.set(event.pointerId, event);
    if (before) {
      const now = middle(fingers);
      view.x -= (now.x - before.x) / box.width / view.zoom; view.y -= (now.y - before.y) / box.height / view.zoom;
      zoom(apart ? spread(fingers) / apart : 1, (now.x - box.left) / box.width, (now.y - box.top) / box.height);
    } else if (view.zoom > 1) {
      view.x -= (event.clientX - last.clientX) / box.width / view.zoom; view.y -= (event.clientY - last.clientY) / box.height / view.zoom;
      limited();
    }
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("dblclick", (event) => zoom(2, ...placeOn(canvas, event)));
  canvas.addEventListener("keydown", (event) => {
    const by = ARROWS[event.key];
    if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") { view = { zoom: 1, x: 0.5, y: 0.5 }; limited(); }
    else if (by && view.zoom > 1) { view.x += 0.1 * by[0] / view.zoom; view.y += 0.1 * by[1] / view.zoom; limited(); }
    else return;
    event.preventDefault();
  });
}

function rate(entry) {
  if (entry.title === "Original") return `${result.original.width} × ${result.original.height} px`;
  const bits = entry.bits_per_pixel == null ? `${number(entry.floats)} floats` : `${entry.bits_per_pixel.toFixed(3)} bits per pixel`;
  return `${entry.psnr == null ? "exact" : `${entry.psnr.toFixed(2)} dB`}, ${bits}`;
}

function note(entry) {
  if (entry.quality) return `quality ${entry.quality}${entry.scale < 1 ? `, stored at ${number(100 * entry.scale)} % of its size` : ""}; ${number(entry.bytes)} bytes`;
  if (!entry.coded_at) return "as the models get it";
  const [height, width] = entry.coded_at, other = height !== result.original.height || width !== result.original.width;
  return `${entry.tokens ? `${number(entry.tokens)} codes, ${number(entry.distinct)} distinct` : "no codes"}${other ? `; coded at ${width} × ${height}` : ""}`;
}

const WITHOUT_ORIGINAL = "The file or link brought the codes of a picture, not the picture itself, and models are compared on the picture. Choose or upload one.";

function cards() {
  canvases.clear();
  const slider = shown === "slider", entries = result?.entries ?? [], area = $(".mv-cards");
  $(".mv-slider").hidden = !slider || !entries.length;
  area.hidden = slider;
  $(".mv-caption").textContent = entries.length ? captions()[shown] : root.dataset.original === "no" ? WITHOUT_ORIGINAL : "";
  if (slider) return compare(entries);
  area.replaceChildren(...entries.filter((entry) => shown === "picture" || entry.images[shown]).map((entry) => {
    const canvas = make("canvas", "mv-canvas"), caption = make("figcaption", "", shown === "map" && entry.level ? `level ${entry.level}` : note(entry));
    canvas.tabIndex = 0; canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${entry.title}: ${VIEWS.find(([key]) => key === shown)[1]}. Plus and minus zoom all, arrow keys move, 0 shows the whole.`);
    canvas.style.aspectRatio = `${result.original.width} / ${result.original.height}`;
    movable(canvas);
    canvases.set(canvas, () => { const fitted = fitCanvas(canvas); if (fitted) paint(fitted.context, entry.images[shown], fitted.width, fitted.height); });
    return headed(entry.title, rate(entry), canvas, caption);
  }));
  limited();
}

function captions() {
  const rated = result.rated ? ` JPEG and WebP are given as many bytes as ${result.rated}; where that is not enough for their lowest quality, the picture is made smaller first.` : "";
  return {
    picture: `What each makes of this picture.${rated} Zoom with the wheel, two fingers or +: all follow.`,
    map: "One square per code, similar codes in similar colours; colours of different models have nothing to do with each other.",
    error: "Mean absolute difference to the original, four times brightened; dark is right.",
    slider: "Drag the line, or move it with the arrow keys: left of it one picture, right of it the other.",
  };
}

// ---- two pictures with a line between them -----------------------------------------------------------------

function compare(entries) {
  if (!entries.length) return;
  const at = (side) => Math.min(between[side], entries.length - 1);  // entries arrive one after another
  [$(".mv-left"), $(".mv-right")].forEach((select, side) => {
    select.replaceChildren(...entries.map((entry, i) => new Option(`${entry.title}, ${rate(entry)}`, i, false, i === at(side))));
    select.onchange = () => { between[side] = Number(select.value); limited(); };
  });
  const canvas = $(".mv-compare");
  canvas.style.setProperty("--aspect", result.original.width / result.original.height);
  canvases.set(canvas, () => {
    const fitted = fitCanvas(canvas);
    if (!fitted) return;
    const { context, width, height } = fitted, x = divider * width;
    paint(context, entries[at(1)].images.picture, width, height);
    context.save(); context.beginPath(); context.rect(0, 0, x, height); context.clip();
    paint(context, entries[at(0)].images.picture, width, height);
    context.restore();
    context.fillStyle = "rgba(0,0,0,.45)"; context.fillRect(x - 2, 0, 4, height);
    context.fillStyle = "#fff"; context.fillRect(x - 1, 0, 2, height);
    canvas.setAttribute("aria-valuenow", Math.round(100 * divider));
  });
  limited();
}

function follow(event) {
  divider = Math.max(0, Math.min(1, placeOn($(".mv-compare"), event)[0]));
  limited();
}
$(".mv-compare").addEventListener("pointerdown", (event) => { event.currentTarget.setPointerCapture(event.pointerId); follow(event); });
$(".mv-compare").addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
$(".mv-compare").addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 400)); }, { passive: false });
$(".mv-compare").addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
  if (!by) return;
  event.preventDefault();
  divider = Math.max(0, Math.min(1, divider + by)); limited();
});
