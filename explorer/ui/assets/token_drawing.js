// ---- drawing ------------------------------------------------------------------------------------------------

function paintLayer() {
  values = mode === "code" ? null : valuesOf(mode);
  if (!values) { layer = cellPicture(cells(), cells().codes, book()?.colours); return; }
  const [low, high] = spanOf(values);
  layer = cellPicture(cells(), values.map((value) => Math.round(255 * (value - low) / (high - low))), model.scale);
}

function box(index, width, height) {
  const grid = cells(), row = Math.floor(index / grid.columns), column = index % grid.columns;
  const w = width * view.zoom / grid.columns, h = height * view.zoom / grid.rows;
  return [column * w - view.left * view.zoom * width, row * h - view.top * view.zoom * height, w, h];
}

const decoded = () => images.steps[Math.max(1, shownLevels) - 1];

function drawFigure(name) {
  const target = figures[name], fitted = fitCanvas(target.canvas);
  if (!fitted) return;
  const { context, width, height } = fitted, grid = cells();
  const place = [-view.left * view.zoom * width, -view.top * view.zoom * height, width * view.zoom, height * view.zoom];
  const image = name === "codes" ? images.original : name === "reconstruction" ? decoded() : images[name];
  context.imageSmoothingEnabled = view.zoom * width < 2.5 * picture.width;
  if (image && (name !== "codes" || opacity < 1)) context.drawImage(image, ...place);
  if (name === "codes" && coded()) {
    context.imageSmoothingEnabled = false;
    context.globalAlpha = images.original && !flat() ? opacity : 1;
    context.drawImage(layer, ...place);
    context.globalAlpha = 1;
    drawGrid(context, place, grid, grid.codes);
  }
  if (flat() && name !== "codes") return;
  if (band) {
    context.fillStyle = "rgba(20,20,24,0.72)";
    for (let i = 0; i < grid.codes.length; i++) {
      if (!band.has(i)) { const [x, y, w, h] = box(i, width, height); context.fillRect(x - 0.3, y - 0.3, w + 0.6, h + 0.6); }
    }
  }
  for (const [index, colour] of [[pinned, CHOSEN], [hover, ACCENT]]) {
    if (index === null) continue;
    const [x, y, w, h] = box(index, width, height);
    context.beginPath(); context.rect(x - 1, y - 1, w + 2, h + 2);
    border(context, colour);
  }
}

let pending = false;
function draw() {
  if (pending || !picture) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    for (const name of Object.keys(figures)) drawFigure(name);
    drawBars();
    drawLegend();
  });
}

function drawBars() {
  const fitted = fitCanvas($(".tv-histogram"));
  if (!fitted) return;
  const { context, width, height } = fitted, shown = cells().histogram.slice(0, BARS);
  if (!shown.length) return;
  const step = width / BARS, top = shown[0][1];
  const marked = hover !== null ? cells().codes[hover] : pinned !== null ? cells().codes[pinned] : null;
  shown.forEach(([code, count], i) => {
    const h = Math.max(2, (height - 4) * count / top);
    context.fillStyle = colourIn(book(), code);
    context.fillRect(i * step + 0.5, height - h, Math.max(1, step - 1.5), h);
    if (code === marked || i === bar) {
      context.lineWidth = 2; context.strokeStyle = ACCENT;
      context.strokeRect(i * step + 0.5, height - h + 1, Math.max(1, step - 1.5), h - 1);
    }
  });
}

let strip = null;                                 // code mode: codes of this picture, sorted by colour, with widths
function legendOrder() {
  const colours = book()?.colours, codes = cells().histogram.map(([code]) => code);
  const light = ([r, g, b]) => r * 0.3 + g * 0.6 + b * 0.1, hue = ([r, g, b]) => Math.round(Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b) * 3);
  const of = (code) => colours.subarray(3 * code, 3 * code + 3);
  strip = codes.sort(colours ? (a, b) => hue(of(a)) - hue(of(b)) || light(of(a)) - light(of(b)) : (a, b) => a - b);
}

function drawLegend() {
  if (mode !== "code") return drawScale($(".tv-legend-bar"), model.scale);
  const fitted = fitCanvas($(".tv-legend-bar"));
  if (!fitted) return;
  const { context, width, height } = fitted;
  strip.forEach((code, i) => {
    context.fillStyle = colourIn(book(), code);
    context.fillRect(i * width / strip.length, 0, width / strip.length + 0.6, height);
  });
}
