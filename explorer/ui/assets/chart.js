// Charts: lines and dots over two axes, each linear or logarithmic.

const SERIES = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];   // Okabe and Ito's, as plots/palette.py
const GREY = "#8a8580";
const themed = (name) => getComputedStyle(root).getPropertyValue(name).trim();

// Where a value of an axis is drawn, between two ends.
function placing({ span: [low, high], log }, from, to) {
  const on = log ? Math.log : Number;
  return (value) => from + (to - from) * (on(Math.max(value, low)) - on(low)) / (on(high) - on(low) || 1);
}

// The powers of a base from low to high.
function powersOf(base, [low, high]) {
  const first = Math.ceil(Math.log(low) / Math.log(base) - 1e-9), last = Math.floor(Math.log(high) / Math.log(base) + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => base ** (first + i));
}

// The axes on a canvas, and what draws over them; null while it is hidden.
// An axis: {span: [low, high], log, ticks, text: what is written at a tick, title}.
function chartOn(canvas, across, up) {
  const fitted = fitCanvas(canvas);
  if (!fitted) return null;
  const { context, width, height } = fitted, ink = themed("--body-text-color-subdued"), rule = themed("--border-color-primary");
  context.font = "11px system-ui, sans-serif";
  const labelled = ({ ticks, text = number }) => ticks.map((tick) => { const label = text(tick); return [tick, label, context.measureText(label).width]; });
  const left = Math.max(40, 10 + Math.max(...labelled(up).map(([, , wide]) => wide))), right = width - (across.title ? 26 : 12), top = 10, bottom = height - (across.title ? 36 : 22);
  const x = placing(across, left, right), y = placing(up, bottom, top);

  function line(points, colour, { width: thick = 2, dash = [], opacity = 1 } = {}) {
    Object.assign(context, { strokeStyle: colour, lineWidth: thick, lineJoin: "round", globalAlpha: opacity });
    context.setLineDash(dash); context.beginPath();
    for (const [u, v] of points) context.lineTo(x(u), y(v));
    context.stroke();
    context.setLineDash([]); context.globalAlpha = 1;
  }

  for (const tick of across.ticks) line(up.span.map((end) => [tick, end]), rule, { width: 1 });
  for (const tick of up.ticks) line(across.span.map((end) => [end, tick]), rule, { width: 1 });
  context.fillStyle = ink;
  for (const [tick, label, wide] of labelled(up)) context.fillText(label, left - 6 - wide, y(tick) + 4);
  let free = 0;                                   // labels that would run into each other are left out
  for (const [tick, label, wide] of labelled(across)) {
    const from = Math.min(x(tick) - wide / 2, width - wide);
    if (from >= free) { context.fillText(label, from, bottom + 15); free = from + wide + 6; }
  }
  if (across.title) context.fillText(across.title, right - context.measureText(across.title).width, height - 4);
  return { context, ink, x, y, left, right, top, line };
}

function dot(context, [x, y], radius, colour, ring = 0) {
  context.beginPath(); context.arc(x, y, radius, 0, 7);
  if (ring) { context.lineWidth = ring; context.strokeStyle = colour; context.stroke(); } else { context.fillStyle = colour; context.fill(); }
}

// A canvas for a curve, below its title.
function curveFigure(title, note, label = "") {
  const canvas = make("canvas", "ch-curve");
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", label);
  return [headed(title, note, canvas), canvas];
}

// The axis of a course of training.
const stepsTo = (end) => ({ span: [0, end], ticks: [0, end], text: (step) => step ? `${number(step)} steps` : "0" });

// The entries of a legend: [[words, colour, dash as style sheets name it]].
function legendOf(entries) {
  return entries.map(([words, colour, dash = "solid"]) => {
    const key = make("i");
    key.style.borderTop = `3px ${dash} ${colour}`;
    return make("li", "", "", key, words);
  });
}
