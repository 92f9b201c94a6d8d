// ---- colours ------------------------------------------------------------------------------------------------

function meanColours() {
  const { sheet, atlas_columns: columns, tile, size } = book();
  if (!sheet) return null;
  const small = make("canvas");
  small.width = columns; small.height = Math.round(sheet.height / tile);
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(sheet, 0, 0, small.width, small.height);
  const data = context.getImageData(0, 0, small.width, small.height).data, found = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) for (let c = 0; c < 3; c++) found[3 * i + c] = data[4 * i + c];
  return found;
}

function colourings() {
  const found = [];
  if (book().counts) found.push(["usage", "usage"], ["dead", "dead or alive"]);
  if (norms) found.push(["norm", "norm"]);
  if (nearestOutput) found.push(["far", "distance to the encoder"]);
  if (decoded) found.push(["decoded", "decoded colour"]);
  found.push(["token", "token colour"]);
  book().radices.forEach((_, i) => found.push([`digit${i}`, `digit ${i + 1}`]));
  return found;
}

// Per code a number for the scale, or null where colours are not on a scale.
function scaled() {
  const { counts, size, radices } = book();
  if (colour === "usage") return Float32Array.from({ length: size }, (_, i) => Math.log10(counts[i] + 1));
  if (colour === "norm") return norms;
  if (colour === "far") return nearestOutput;
  if (colour.startsWith("digit")) { const at = Number(colour.slice(5)); return Float32Array.from({ length: size }, (_, i) => digitsOf(i, radices)[at] / Math.max(1, radices[at] - 1)); }
  return null;
}

function colourOf(code) {
  if (colour === "dead") return dead(code) ? GREY : ACCENT;
  if (colour === "decoded") return rgb(decoded, code);
  if (colour === "token" || !values) return rgb(book().colours, code);
  if (colour === "usage" && dead(code)) return GREY;
  return rgb(model.scale, Math.round(255 * Math.max(0, Math.min(1, (values[code] - span[0]) / (span[1] - span[0])))));
}
const GREY = "#a8a29e", OUTPUT = "rgba(99,102,241,0.28)";

const FILTERS = [["all", "all"], ["used", "used"], ["dead", "dead"], ["here", "in this picture"]];
function shows(code) {
  if (filter === "used") return !dead(code);
  if (filter === "dead") return dead(code);
  if (filter === "here") return here.has(code);
  return true;
}

// ---- drawing ------------------------------------------------------------------------------------------------

function placer(width, height) {
  const scale = 0.46 * Math.min(width, height) * view.zoom, cx = width / 2, cy = height / 2;
  if (map.dims === 2) return (points, i) => [cx + (points[2 * i] - view.x) * scale, cy - (points[2 * i + 1] - view.y) * scale, 0];
  const [sy, cyaw, sp, cp] = [Math.sin(view.yaw), Math.cos(view.yaw), Math.sin(view.pitch), Math.cos(view.pitch)];
  return (points, i) => {
    const [x, y, z] = [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
    const across = x * cyaw + z * sy, deep = z * cyaw - x * sy;
    return [cx + (across - view.x) * scale * 0.85, cy - (y * cp - deep * sp - view.y) * scale * 0.85, deep * cp + y * sp];
  };
}

let pending = false;
function draw() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; paint(); });
}

function paint() {
  const fitted = fitCanvas(canvas);
  if (!fitted || !map || !coded()) return;
  const { context, width, height } = fitted, place = placer(width, height), n = map.codes.length;
  if (screen.length !== 2 * n) screen = new Float32Array(2 * n);
  const inside = (x, y) => x > -20 && y > -20 && x < width + 20 && y < height + 20;
  context.fillStyle = OUTPUT;
  for (let i = 0; i < map.outputs.length / map.dims; i++) {
    const [x, y] = place(map.outputs, i);
    if (inside(x, y)) context.fillRect(x - 1, y - 1, 2, 2);
  }
  const radius = Math.max(1.6, Math.min(7, 95 / Math.sqrt(n))) * Math.min(2, view.zoom ** 0.3);
  const drawn = [], depth = [];
  for (let i = 0; i < n; i++) {
    const [x, y, z] = place(map.points, i);
    screen[2 * i] = x; screen[2 * i + 1] = shows(map.codes[i]) ? y : NaN;
    if (shows(map.codes[i]) && inside(x, y)) { drawn.push(i); depth[i] = z; }
  }
  // Dead codes lie under the others; in space what is far lies under what is near.
  const isDead = (i) => dead(map.codes[i]) ? 0 : 1;
  drawn.sort(map.dims === 3 ? (a, b) => depth[b] - depth[a] : (a, b) => isDead(a) - isDead(b));
  const side = tileSide(drawn, width, height), free = colour === "decoded" || colour === "token";   // free: colours that the page's may swallow
  for (const i of drawn) {
    const x = screen[2 * i], y = screen[2 * i + 1], code = map.codes[i];
    if (side) drawTile(context, book(), code, x - side / 2, y - side / 2, side);
    if (side && colour !== "decoded") { context.lineWidth = 2; context.strokeStyle = colourOf(code); context.strokeRect(x - side / 2, y - side / 2, side, side); }
    if (!side) { context.fillStyle = colourOf(code); context.beginPath(); context.arc(x, y, radius, 0, 7); context.fill(); }
    if (!side && free) { context.lineWidth = 0.75; context.strokeStyle = GREY; context.stroke(); }
  }
  root.dataset.tiles = side ? "yes" : "no";
  if (lasso) for (const i of drawn) if (lasso.has(map.codes[i])) ring(context, i, radius + 1.5, CHOSEN);
  if (chosen !== null && map.place.has(chosen)) ring(context, map.place.get(chosen), Math.max(radius, side / 2) + 3, CHOSEN);
  if (hover !== null) ring(context, hover, Math.max(radius, side / 2) + 3, ACCENT);
  if (path) {
    context.beginPath(); path.forEach(([x, y], i) => i ? context.lineTo(x, y) : context.moveTo(x, y));
    context.closePath(); context.fillStyle = "rgba(194,65,12,0.12)"; context.fill(); context.strokeStyle = CHOSEN; context.lineWidth = 1.5; context.stroke();
  }
}

function ring(context, i, radius, stroke) {
  context.beginPath(); context.arc(screen[2 * i], screen[2 * i + 1], radius, 0, 7);
  border(context, stroke);
}

// Swatches take the place of dots where there is room for them.
function tileSide(drawn, width, height) {
  if (!book().sheet || drawn.length > TILES || view.zoom < 1.5) return 0;
  const room = Math.sqrt(width * height / Math.max(1, drawn.length)) * 0.6;
  return room < 14 ? 0 : Math.min(40, room);
}

const swatch = (code, side, kind) => swatchOf(book(), code, side, kind, colourOf(code));

function nearest(x, y) {
  let best = null, closest = NEAR * NEAR;
  for (let i = 0; i < screen.length / 2; i++) {
    const dx = screen[2 * i] - x, dy = screen[2 * i + 1] - y, d = dx * dx + dy * dy;
    if (d < closest) { closest = d; best = i; }
  }
  return best;
}
