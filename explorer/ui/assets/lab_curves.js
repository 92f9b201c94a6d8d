// ---- curves -------------------------------------------------------------------------------------------------

const CHARTS = [
  { title: "Codes used", of: 2, note: `over ${TOKENS}`, top: () => Math.max(...SIDES.map((_, i) => codesOf(i))), text: (v) => number(v) },
  { title: "Perplexity", of: 3, note: "codes, if all were used alike", top: () => Math.max(...SIDES.map((_, i) => codesOf(i))), text: (v) => number(v, v && v < 10 ? 1 : 0) },
  { title: "Error", of: 1, note: "squared, of the variance; log scale", log: true, text: (v) => v >= 0.1 ? number(v, 1) : String(Number(v.toPrecision(1))) },
];

$(".lb-curves").replaceChildren(...CHARTS.map((chart) => {
  const figure = document.createElement("figure"), head = document.createElement("div"), canvas = document.createElement("canvas");
  head.className = "tv-head";
  head.innerHTML = '<h3></h3><span class="tv-fact"></span>';
  head.querySelector("h3").textContent = chart.title;
  head.querySelector("span").textContent = chart.note;
  canvas.setAttribute("role", "img");
  canvas.className = "lb-curve";
  figure.append(head, canvas);
  chart.canvas = canvas;
  return figure;
}));

function drawCurves() {
  const style = getComputedStyle(root), ink = style.getPropertyValue("--body-text-color-subdued"), rule = style.getPropertyValue("--border-color-primary");
  const end = Math.max(50, step);
  for (const chart of CHARTS) {
    chart.canvas.setAttribute("aria-label", `${chart.title} against steps; ${SIDES.map((_, i) => `${nameOf(i)} now at ${chart.text(readings[i].at(-1)[chart.of])}`).join(", ")}`);
    const fitted = fitCanvas(chart.canvas);
    if (!fitted) continue;
    const { context, width, height } = fitted, left = 40, right = width - 10, top = 10, bottom = height - 22;
    const values = readings.flatMap((curve) => curve.map((reading) => reading[chart.of]));
    const [low, high] = chart.log ? [Math.min(0.01, ...values.map((v) => Math.max(v, 1e-4))), Math.max(1, ...values)].map(Math.log10) : [0, chart.top()];
    const y = (v) => bottom - (bottom - top) * ((chart.log ? Math.log10(Math.max(v, 1e-4)) : v) - low) / (high - low);
    const x = (s) => left + (right - left) * s / end;
    context.font = "11px system-ui, sans-serif"; context.lineWidth = 1; context.textBaseline = "middle";
    const ticks = chart.log ? Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => 10 ** (Math.ceil(low) + i)) : [0, high / 2, high];
    for (const tick of ticks) {
      context.strokeStyle = rule; context.beginPath(); context.moveTo(left, y(tick)); context.lineTo(right, y(tick)); context.stroke();
      context.fillStyle = ink; context.textAlign = "right"; context.fillText(chart.text(tick), left - 6, y(tick));
    }
    context.textBaseline = "alphabetic"; context.fillText(`${number(end)} steps`, right, height - 6);
    context.textAlign = "left"; context.fillText("0", left, height - 6);
    for (const [at] of marks) { context.setLineDash([2, 3]); context.strokeStyle = ink; context.beginPath(); context.moveTo(x(at), top); context.lineTo(x(at), bottom); context.stroke(); }
    readings.forEach((curve, i) => {
      context.setLineDash(i ? [7, 3] : []); context.strokeStyle = COLOURS[i]; context.lineWidth = 2; context.lineJoin = "round";
      context.beginPath();
      curve.forEach((reading, j) => context[j ? "lineTo" : "moveTo"](x(reading[0]), y(reading[chart.of])));
      context.stroke();
    });
    context.setLineDash([]);
    // What was switched, where there is room for the words.
    let free = left;
    context.fillStyle = ink;
    for (const [at, what] of chart === CHARTS[0] ? marks : []) {
      const wide = context.measureText(what).width, from = Math.min(x(at) + 4, right - wide);
      if (from < free) continue;
      context.fillText(what, from, top + 9); free = from + wide + 8;
    }
  }
}
