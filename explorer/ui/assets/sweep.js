// The sweep: measured usage and PSNR against the size of the codebook, the FSQ paper's claims over it.
const [VERMILION, BLUE, GREEN] = SERIES, NEAR = 16;
const FAMILIES = { vq: ["VQ", VERMILION], vq_ema: ["VQ, EMA and restarts", BLUE], fsq: ["FSQ", GREEN] };

const { runs, claimed } = JSON.parse(props.sweep);
const charts = $$(".wv-chart"), places = new Map();     // places: chart -> where its runs were drawn
let chosen = null, pointed = null;

const nominal = (size) => 2 ** Math.round(Math.log2(size));                      // FSQ's products come near a power of two
const valueOf = (run, of) => run.held_out[of];
const nameOf = (run) => `${FAMILIES[run.family][0]}, ${number(run.size)} codes, seed ${run.seed}`;

// The axes of a chart: sizes, and what was measured.
function axes(of) {
  const sizes = runs.map((run) => run.size), values = runs.map((run) => valueOf(run, of));
  if (of === "used") for (const points of Object.values(claimed)) for (const [size] of points) sizes.push(size);
  const span = [Math.min(...sizes), Math.max(...sizes)], across = { span, log: true, ticks: powersOf(4, span), title: "codes in the codebook" };
  if (of === "used") return [across, { span: [1, span[1]], log: true, ticks: powersOf(16, [1, span[1]]) }];
  const low = Math.floor(Math.min(...values)), high = Math.ceil(Math.max(...values));
  return [across, { span: [low, high], ticks: Array.from({ length: high - low + 1 }, (_, i) => low + i) }];
}

function draw(canvas) {
  const { of } = canvas.dataset, [across, up] = axes(of), chart = chartOn(canvas, across, up);
  if (!chart) return;
  const { context, x, y, line } = chart, drawn = [];
  if (of === "used") {
    line(across.span.map((size) => [size, size]), GREY, { width: 1, opacity: 0.5 });
    for (const [name, points] of Object.entries(claimed)) {
      line(points, GREY, { width: 1.5, dash: name === "VQ" ? [2, 3] : [7, 4] });
      for (const [size, used] of points) dot(context, [x(size), y(used)], 3.5, GREY, 1.5);
    }
  }
  for (const [family, [, colour]] of Object.entries(FAMILIES)) {
    const own = runs.filter((run) => run.family === family), sizes = [...new Set(own.map((run) => run.size))];
    line(sizes.map((size) => { const same = own.filter((run) => run.size === size); return [size, same.reduce((sum, run) => sum + valueOf(run, of), 0) / same.length]; }), colour, { width: 2.5 });
    for (const run of own) {
      const at = [x(run.size), y(valueOf(run, of))];
      drawn.push([run, at]);
      dot(context, at, run === chosen || run === pointed ? 7 : 4.5, colour);
    }
  }
  places.set(canvas, drawn);
}

function nearest(chart, event) {
  const [u, v] = placeOn(chart, event), here = [u * chart.clientWidth, v * chart.clientHeight];
  let best = null, least = NEAR;
  for (const [run, at] of places.get(chart) ?? []) { const off = Math.hypot(at[0] - here[0], at[1] - here[1]); if (off < least) { least = off; best = run; } }
  return best;
}

function tell() {
  const run = pointed ?? chosen;
  root.dataset.run = chosen ? `${chosen.family}/${chosen.size}/${chosen.seed}` : "";
  if (!run) { $(".wv-told").textContent = ""; return; }
  const { used, psnr, perplexity, tokens, pictures } = run.held_out;
  $(".wv-told").textContent = `${nameOf(run)}: ${number(used)} of ${number(run.size)} used in ${number(tokens)} tokens of ${number(pictures)} held-out pictures, perplexity ${number(perplexity)}, ${psnr.toFixed(2)} dB after ${number(run.steps)} steps (${number(run.minutes, 1)} minutes on ${run.device}).`;
}

// The course of the chosen run, beside those of the same size and seed.
const CURVES = [["psnr", "PSNR", "dB, training batches"], ["used", "Codes used", "since the last point"], ["perplexity", "Perplexity", "codes, if all were used alike"]];
function curves() {
  $(".wv-curves").replaceChildren();
  if (!chosen) return;
  const shown = [...runs.filter((run) => run !== chosen && nominal(run.size) === nominal(chosen.size) && run.seed === chosen.seed), chosen], end = chosen.curves.step.at(-1);
  for (const [of, title, note] of CURVES) {
    const values = shown.flatMap((run) => run.curves[of]), low = of === "psnr" ? Math.min(...values) : 0, high = Math.max(...values);
    const [figure, canvas] = curveFigure(title, note, `${title} against steps; ${nameOf(chosen)} ends at ${number(chosen.curves[of].at(-1), 1)}.`);
    $(".wv-curves").append(figure);
    const chart = chartOn(canvas, stepsTo(end), { span: [low, high], ticks: [low, (low + high) / 2, high], text: (value) => number(value, of === "psnr" ? 1 : 0) });
    for (const run of shown) chart?.line(run.curves.step.map((step, i) => [step, run.curves[of][i]]), FAMILIES[run.family][1], run === chosen ? { width: 3 } : { width: 1.5, opacity: 0.55 });
  }
}

function look() { charts.forEach(draw); tell(); }
function choose(run) { chosen = run; look(); curves(); }

for (const chart of charts) {
  chart.onpointermove = (event) => { const run = nearest(chart, event); if (run !== pointed) { pointed = run; look(); } chart.style.cursor = run ? "pointer" : "default"; };
  chart.onpointerleave = () => { pointed = null; look(); };
  chart.onclick = (event) => { const run = nearest(chart, event); if (run) choose(run); };
  chart.onkeydown = (event) => {
    const [right, down] = ARROWS[event.key] ?? [0, 0], by = right + down;
    if (by) { event.preventDefault(); choose(runs[(runs.indexOf(chosen) + by + runs.length) % runs.length]); }
  };
  chart.setAttribute("aria-label", `${chart.dataset.of === "used" ? "Codes in use" : "PSNR"} against the size of the codebook. Arrow keys go from run to run.`);
}

$(".wv-empty").hidden = runs.length > 0;
$(".wv-figures").hidden = !runs.length;
if (runs.length) {
  $(".wv-tokens").textContent = `at least once in ${number(runs[0].held_out.tokens)} tokens; both axes log`;
  $(".ch-legend").replaceChildren(...legendOf([...Object.values(FAMILIES), ["FSQ, claimed by the FSQ paper on ImageNet (read off its Figure 3, approximate)", GREY, "dashed"],
    ["VQ, claimed there", GREY, "dotted"], ["every code in use", GREY]]));
}
new ResizeObserver(() => { if (root.clientWidth) { look(); curves(); root.dataset.ready = "yes"; } }).observe(root);
