// The sweep: measured usage and PSNR against the size of the codebook, the FSQ paper's claims over it.
const root = element.querySelector(".tv");
const $ = (selector) => root.querySelector(selector);
const FAMILIES = { vq: ["VQ", "#d55e00"], vq_ema: ["VQ, EMA and restarts", "#0072b2"], fsq: ["FSQ", "#009e73"] };   // Okabe and Ito's colours
const NEAR = 16, GREY = "#8a8580";

const { runs, claimed } = JSON.parse(props.sweep);
const charts = [...root.querySelectorAll(".wv-chart")], places = new Map();     // places: chart -> where its runs were drawn
let chosen = null, pointed = null;

const nominal = (size) => 2 ** Math.round(Math.log2(size));                      // FSQ's products come near a power of two
const valueOf = (run, of) => run.held_out[of];
const nameOf = (run) => `${FAMILIES[run.family][0]}, ${number(run.size)} codes, seed ${run.seed}`;

function axes(chart) {
  const of = chart.dataset.of, sizes = runs.map((run) => run.size);
  if (of === "used") {
    for (const points of Object.values(claimed)) for (const [size] of points) sizes.push(size);
    return { x: [Math.min(...sizes), Math.max(...sizes)], y: [1, Math.max(...sizes)], log: true };
  }
  const values = runs.map((run) => valueOf(run, of));
  return { x: [Math.min(...sizes), Math.max(...sizes)], y: [Math.floor(Math.min(...values)), Math.ceil(Math.max(...values))], log: false };
}

function draw(chart) {
  const fitted = fitCanvas(chart);
  if (!fitted) return;
  const { context, width, height } = fitted, of = chart.dataset.of, scale = axes(chart), left = 52, right = width - 28, top = 12, bottom = height - 34;
  const style = getComputedStyle(root), ink = style.getPropertyValue("--body-text-color-subdued"), rule = style.getPropertyValue("--border-color-primary");
  const x = (size) => left + (right - left) * Math.log(size / scale.x[0]) / Math.log(scale.x[1] / scale.x[0]);
  const y = (value) => bottom - (bottom - top) * (scale.log ? Math.log(value / scale.y[0]) / Math.log(scale.y[1] / scale.y[0]) : (value - scale.y[0]) / (scale.y[1] - scale.y[0]));
  const line = (points) => { context.beginPath(); points.forEach(([size, value], i) => context[i ? "lineTo" : "moveTo"](x(size), y(value))); context.stroke(); };
  context.font = "11px system-ui, sans-serif"; context.lineWidth = 1; context.strokeStyle = rule; context.fillStyle = ink;
  for (let size = 16; size <= scale.x[1] * 1.01; size *= 4) { context.beginPath(); context.moveTo(x(size), top); context.lineTo(x(size), bottom); context.stroke(); context.textAlign = "center"; context.fillText(number(size), x(size), bottom + 15); }
  const steps = scale.log ? [1, 16, 256, 4096, 65536].filter((value) => value <= scale.y[1] * 1.01) : Array.from({ length: scale.y[1] - scale.y[0] + 1 }, (_, i) => scale.y[0] + i);
  for (const value of steps) { context.beginPath(); context.moveTo(left, y(value)); context.lineTo(right, y(value)); context.stroke(); context.textAlign = "right"; context.fillText(number(value), left - 6, y(value) + 4); }
  context.textAlign = "right"; context.fillText("codes in the codebook", right, height - 4);
  if (scale.log) { context.strokeStyle = GREY; context.globalAlpha = 0.5; line([[scale.x[0], scale.x[0]], [scale.x[1], scale.x[1]]]); context.globalAlpha = 1; }
  if (of === "used") for (const [name, points] of Object.entries(claimed)) {
    context.strokeStyle = GREY; context.setLineDash(name === "VQ" ? [2, 3] : [7, 4]); context.lineWidth = 1.5; line(points); context.setLineDash([]);
    for (const [size, used] of points) { context.beginPath(); context.arc(x(size), y(used), 3.5, 0, 7); context.stroke(); }
  }
  const drawn = [];
  for (const [family, [, colour]] of Object.entries(FAMILIES)) {
    const own = runs.filter((run) => run.family === family), sizes = [...new Set(own.map((run) => run.size))];
    context.strokeStyle = context.fillStyle = colour; context.lineWidth = 2.5;
    line(sizes.map((size) => { const same = own.filter((run) => run.size === size); return [size, same.reduce((sum, run) => sum + valueOf(run, of), 0) / same.length]; }));
    for (const run of own) { const at = [x(run.size), y(valueOf(run, of))]; drawn.push([run, at]); context.beginPath(); context.arc(...at, run === chosen || run === pointed ? 7 : 4.5, 0, 7); context.fill(); }
  }
  places.set(chart, drawn);
}

function nearest(chart, event) {
  const box = chart.getBoundingClientRect(), here = [event.clientX - box.left, event.clientY - box.top];
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
  $(".wv-curves").replaceChildren(...(chosen ? CURVES : []).map(([of, title, note]) => {
    const figure = document.createElement("figure"), head = document.createElement("div"), canvas = document.createElement("canvas"), h3 = document.createElement("h3"), fact = document.createElement("span");
    head.className = "tv-head"; h3.textContent = title; fact.className = "tv-fact"; fact.textContent = note; canvas.className = "lb-curve"; canvas.dataset.of = of;
    canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", `${title} against steps; ${nameOf(chosen)} ends at ${number(chosen.curves[of].at(-1), 1)}.`);
    head.append(h3, fact); figure.append(head, canvas);
    return figure;
  }));
  const beside = runs.filter((run) => chosen && run !== chosen && nominal(run.size) === nominal(chosen.size) && run.seed === chosen.seed);
  for (const canvas of root.querySelectorAll(".wv-curves canvas")) {
    const fitted = fitCanvas(canvas);
    if (!fitted) continue;
    const { context, width, height } = fitted, of = canvas.dataset.of, shown = [...beside, chosen], values = shown.flatMap((run) => run.curves[of]), low = of === "psnr" ? Math.min(...values) : 0, high = Math.max(...values);
    const style = getComputedStyle(root), ink = style.getPropertyValue("--body-text-color-subdued"), rule = style.getPropertyValue("--border-color-primary");
    const left = 40, right = width - 8, top = 8, bottom = height - 22, end = chosen.curves.step.at(-1), x = (step) => left + (right - left) * step / end, y = (value) => bottom - (bottom - top) * (value - low) / (high - low || 1);
    context.font = "11px system-ui, sans-serif"; context.fillStyle = ink; context.strokeStyle = rule; context.lineWidth = 1;
    for (const value of [low, (low + high) / 2, high]) { context.beginPath(); context.moveTo(left, y(value)); context.lineTo(right, y(value)); context.stroke(); context.textAlign = "right"; context.fillText(number(value, high < 40 && of === "psnr" ? 1 : 0), left - 6, y(value) + 4); }
    context.fillText(`${number(end)} steps`, right, height - 6);
    for (const run of shown) {
      context.strokeStyle = FAMILIES[run.family][1]; context.lineWidth = run === chosen ? 3 : 1.5; context.globalAlpha = run === chosen ? 1 : 0.55;
      context.beginPath(); run.curves.step.forEach((step, i) => context[i ? "lineTo" : "moveTo"](x(step), y(run.curves[of][i]))); context.stroke();
    }
    context.globalAlpha = 1;
  }
}

function look() { charts.forEach(draw); tell(); }
function choose(run) { chosen = run; look(); curves(); }

for (const chart of charts) {
  chart.onpointermove = (event) => { const run = nearest(chart, event); if (run !== pointed) { pointed = run; look(); } chart.style.cursor = run ? "pointer" : "default"; };
  chart.onpointerleave = () => { pointed = null; look(); };
  chart.onclick = (event) => { const run = nearest(chart, event); if (run) choose(run); };
  chart.onkeydown = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); choose(runs[(runs.indexOf(chosen) + by + runs.length) % runs.length]); }
  };
  chart.setAttribute("aria-label", `${chart.dataset.of === "used" ? "Codes in use" : "PSNR"} against the size of the codebook. Arrow keys go from run to run.`);
}

$(".wv-empty").hidden = runs.length > 0;
$(".wv-figures").hidden = !runs.length;
if (runs.length) {
  $(".wv-tokens").textContent = `at least once in ${number(runs[0].held_out.tokens)} tokens; both axes log`;
  const entry = (words, colour, dash) => { const li = document.createElement("li"), key = document.createElement("i"); key.style.borderTop = `3px ${dash} ${colour}`; li.append(key, words); return li; };
  $(".wv-legend").replaceChildren(...Object.values(FAMILIES).map(([name, colour]) => entry(name, colour, "solid")),
    entry("FSQ, claimed by the FSQ paper on ImageNet (read off its Figure 3, approximate)", GREY, "dashed"), entry("VQ, claimed there", GREY, "dotted"), entry("every code in use", GREY, "solid"));
}
new ResizeObserver(() => { if (root.clientWidth) { look(); curves(); root.dataset.ready = "yes"; } }).observe(root);
