// ---- the 2-D lab: two squares per side, the latent plane and the data plane ----------------------------------

const PICTURES = [["latents", "Latent plane"], ["data", "Data plane"]];
const INTRO = "Points of the plane go through a tiny encoder, each to the nearest of K code vectors, and through a tiny decoder back. Both networks are really trained, here and now; watch how many codes they use.";
const DATA_EXTENT = 2.3, EASE = 0.15;

const thousandths = (text) => Float32Array.from(unpack(text, Int16Array), (n) => n / 1000);
function takeData(text) { data = thousandths(text); sides = [null, null]; }

function takeSide(reply, before) {
  const side = { ...reply, latents: thousandths(reply.latents), codes: thousandths(reply.codes), decoded: thousandths(reply.decoded), indices: unpack(reply.indices, Uint16Array) };
  side.counts = new Int32Array(side.codes.length / 2);
  for (const code of side.indices) side.counts[code]++;
  side.view = follow(side, before?.kind === side.kind && before.dim === side.dim ? before.view : null);
  side.cells = side.dim === 2 ? voronoi(side.codes, side.view) : [];
  return side;
}

// The square {x, y, half} that holds encoder outputs and codes. It moves and shrinks smoothly, and grows at once.
function follow(side, before) {
  if (side.kind === "finite_scalar" || side.kind === "normalized") return { x: 0, y: 0, half: 1.25 };
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  const take = (points, i) => { x0 = Math.min(x0, points[2 * i]); x1 = Math.max(x1, points[2 * i]); y0 = Math.min(y0, points[2 * i + 1]); y1 = Math.max(y1, points[2 * i + 1]); };
  for (let i = 0; i < side.indices.length; i++) take(side.latents, i);
  for (let code = 0; code < side.counts.length; code++) take(side.codes, code);
  const wanted = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, half: 0.55 * Math.max(x1 - x0, y1 - y0, 0.1) };
  if (!before) return wanted;
  const eased = (name) => before[name] + EASE * (wanted[name] - before[name]), x = eased("x"), y = eased("y");
  return { x, y, half: Math.max(eased("half"), 1.05 * Math.max(x1 - x, x - x0, y1 - y, y - y0)) };
}

// The cells of code vectors inside a square, as polygons: the square cut by the bisector with every other code.
function voronoi(codes, { x, y, half }) {
  const cells = [], n = codes.length / 2;
  for (let i = 0; i < n; i++) {
    const cx = codes[2 * i], cy = codes[2 * i + 1];
    let cell = [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]], reach = Infinity;
    for (let j = 0; j < n && cell.length; j++) {
      const nx = codes[2 * j] - cx, ny = codes[2 * j + 1] - cy, apart = nx * nx + ny * ny;
      if (i === j || apart > 4 * reach) continue;
      if (apart < 1e-12) { if (j < i) cell = []; continue; }
      const side = ([px, py]) => (px - cx - nx / 2) * nx + (py - cy - ny / 2) * ny, cut = [];
      cell.forEach((p, k) => {
        const q = cell[(k + 1) % cell.length], a = side(p), b = side(q);
        if (a <= 0) cut.push(p);
        if (a <= 0 !== b <= 0) cut.push([p[0] + (q[0] - p[0]) * a / (a - b), p[1] + (q[1] - p[1]) * a / (a - b)]);
      });
      cell = cut;
      reach = Math.max(0, ...cell.map(([px, py]) => (px - cx) ** 2 + (py - cy) ** 2));
    }
    cells.push(cell);
  }
  return cells;
}

const dark = () => document.body.classList.contains("dark");
const hue = (code, alpha = 1) => `hsla(${(code * 137.508) % 360}, 68%, ${dark() ? 62 : 44}%, ${alpha})`;

function captions(side, i) {
  const { dim, kind, explained, counts } = sides[i], none = counts.length - usedOf(i);
  const cells = dim > 2 ? `seen along the two directions in which the outputs vary most (${Math.round(100 * explained)} % of their variance); no cells, as they lie in ${dim} dimensions.` : kind === "finite_scalar" ? "the grid of its levels." : kind === "normalized" ? "and their cells, slices of the circle." : "and their cells.";
  const grey = none ? ` Grey: ${number(none)} codes that no output is nearest to.` : "";
  side.querySelector('[data-figure="latents"] figcaption').textContent = `Small: 1,024 encoder outputs. Large: ${number(counts.length)} codes, ${cells}${grey}`;
  side.querySelector('[data-figure="data"] figcaption').textContent = hover?.side === i ? hoverText(i) : "The points, each in the colour of its code; large, what the codes decode to. Point at one.";
}

function hoverText(i) {
  const { counts, decoded } = sides[i], code = hover.code;
  return `Code ${number(code)}: ${counts[code] ? `${number(counts[code])} of 1,024 points` : "dead, no point is given it"}; decodes to (${number(decoded[2 * code], 2)}, ${number(decoded[2 * code + 1], 2)}).`;
}

function drawSides() { SIDES.forEach((_, i) => { if (sides[i]) { drawLatents(i); drawData(i); } }); }

function drawLatents(i) {
  const fitted = fitCanvas(canvasOf(i, "latents")), side = sides[i];
  if (!fitted) return;
  const { context, width } = fitted, { x, y, half } = side.view, scale = width / (2 * half);
  const at = (px, py) => [(px - x + half) * scale, (half - py + y) * scale];
  side.cells.forEach((cell, code) => {
    if (!cell.length) return;
    context.beginPath();
    cell.forEach(([px, py], k) => context[k ? "lineTo" : "moveTo"](...at(px, py)));
    context.closePath();
    context.fillStyle = hover?.side === i && hover.code === code ? hue(code, 0.5) : side.counts[code] ? hue(code, 0.16) : "rgba(168,162,158,0.14)";
    context.fill();
    context.lineWidth = 0.75; context.strokeStyle = `rgba(128,128,128,${side.cells.length > 100 ? 0.2 : 0.45})`; context.stroke();
  });
  if (speed === "slow" && side.dim === 2) links(context, side, (n) => at(side.latents[2 * n], side.latents[2 * n + 1]), (code) => at(side.codes[2 * code], side.codes[2 * code + 1]));
  for (let n = 0; n < side.indices.length; n++) {
    const [px, py] = at(side.latents[2 * n], side.latents[2 * n + 1]);
    context.fillStyle = hue(side.indices[n], 0.7);
    context.fillRect(px - 1, py - 1, 2, 2);
  }
  drawCodes(context, i, (code) => at(side.codes[2 * code], side.codes[2 * code + 1]));
}

function drawData(i) {
  const fitted = fitCanvas(canvasOf(i, "data")), side = sides[i];
  if (!fitted) return;
  const { context, width } = fitted, scale = width / (2 * DATA_EXTENT);
  const at = (points, n) => [(points[2 * n] + DATA_EXTENT) * scale, (DATA_EXTENT - points[2 * n + 1]) * scale];
  if (speed === "slow") links(context, side, (n) => at(data, n), (code) => at(side.decoded, code));
  for (let n = 0; n < side.indices.length; n++) {
    const [px, py] = at(data, n), bright = hover?.side === i && hover.code === side.indices[n];
    context.fillStyle = hue(side.indices[n], bright ? 1 : 0.55);
    const r = bright ? 2 : 1.2;
    context.fillRect(px - r, py - r, 2 * r, 2 * r);
  }
  drawCodes(context, i, (code) => at(side.decoded, code));
}

// In slow motion: from every point to the code that it is given.
function links(context, side, from, to) {
  context.lineWidth = 0.5;
  for (let n = 0; n < side.indices.length; n += 2) {
    context.strokeStyle = hue(side.indices[n], 0.3);
    context.beginPath(); context.moveTo(...from(n)); context.lineTo(...to(side.indices[n])); context.stroke();
  }
}

// Dead codes below, used ones above them; the larger, the more often used.
function drawCodes(context, i, at) {
  const { counts } = sides[i], order = [...counts.keys()].sort((a, b) => counts[a] - counts[b]), small = counts.length > 100 ? 0.7 : 1;
  for (const code of order) {
    const [px, py] = at(code), pointed = hover?.side === i && hover.code === code;
    context.beginPath();
    context.arc(px, py, small * (counts[code] ? 3 + 4 * Math.sqrt(counts[code] / 1024) : 2.5) + (pointed ? 2 : 0), 0, 7);
    context.fillStyle = counts[code] ? hue(code) : DEAD;
    context.globalAlpha = counts[code] ? 1 : 0.8;
    context.fill();
    context.lineWidth = pointed ? 2.5 : counts[code] ? 1.5 * small ** 2 : 0.5;
    context.strokeStyle = pointed ? "#1d4ed8" : dark() ? "#1b1b1d" : "#fff"; context.stroke();
    context.globalAlpha = 1;
  }
}

// The code pointed at: the nearest code vector, or the nearest place that a code decodes to.
function pointAt(i, what, px, py) {
  const side = sides[i], width = canvasOf(i, what).clientWidth, places = what === "data" ? side.decoded : side.codes;
  const { x, y, half } = what === "data" ? { x: 0, y: 0, half: DATA_EXTENT } : side.view;
  const dx = x - half + 2 * half * px / width, dy = y + half - 2 * half * py / width;
  let best = null, least = Infinity;
  for (let code = 0; code < side.counts.length; code++) {
    const far = (places[2 * code] - dx) ** 2 + (places[2 * code + 1] - dy) ** 2 + (side.counts[code] || what === "latents" ? 0 : 1e3);
    if (far < least) { least = far; best = code; }
  }
  return best;
}
