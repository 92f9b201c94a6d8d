// ---- curves -------------------------------------------------------------------------------------------------

const mostCodes = () => Math.max(...SIDES.map((_, i) => codesOf(i)));
const CHARTS = [
  { title: "Codes used", of: 2, note: `over ${TOKENS}`, top: mostCodes, text: (v) => number(v) },
  { title: "Perplexity", of: 3, note: "codes, if all were used alike", top: mostCodes, text: (v) => number(v, v && v < 10 ? 1 : 0) },
  { title: "Error", of: 1, note: "squared, of the variance; log scale", text: (v) => v >= 0.1 ? number(v, 1) : String(Number(v.toPrecision(1))) },
];
$(".lb-curves").replaceChildren(...CHARTS.map((chart) => {
  const [figure, canvas] = curveFigure(chart.title, chart.note);
  chart.canvas = canvas;
  return figure;
}));

// The axis of what was read: the error on a log scale, at least from 0.01 to 1.
function readAxis({ of, top, text }) {
  if (top) return { span: [0, top()], ticks: [0, top() / 2, top()], text };
  const values = readings.flatMap((curve) => curve.map((reading) => Math.max(reading[of], 1e-4)));
  const span = [Math.min(0.01, ...values), Math.max(1, ...values)];
  return { span, log: true, ticks: powersOf(10, span), text };
}

function drawCurves() {
  for (const one of CHARTS) {
    one.canvas.setAttribute("aria-label", `${one.title} against steps; ${SIDES.map((_, i) => `${nameOf(i)} now at ${one.text(readings[i].at(-1)[one.of])}`).join(", ")}`);
    const up = readAxis(one), chart = chartOn(one.canvas, stepsTo(Math.max(50, step)), up);
    if (!chart) continue;
    for (const [at] of marks) chart.line(up.span.map((end) => [at, end]), chart.ink, { width: 1, dash: [2, 3] });
    readings.forEach((curve, i) => chart.line(curve.map((reading) => [reading[0], reading[one.of]]), COLOURS[i], { dash: i ? [7, 3] : [] }));
    if (one === CHARTS[0]) nameMarks(chart);
  }
}

// What was switched, where there is room for the words.
function nameMarks({ context, ink, x, left, right, top }) {
  let free = left;
  context.fillStyle = ink;
  for (const [at, what] of marks) {
    const wide = context.measureText(what).width, from = Math.min(x(at) + 4, right - wide);
    if (from >= free) { context.fillText(what, from, top + 9); free = from + wide + 8; }
  }
}
