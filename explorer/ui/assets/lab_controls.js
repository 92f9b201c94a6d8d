// ---- what is pressed ------------------------------------------------------------------------------------------

const canvasOf = (i, what) => $(`.lb-side[data-side="${SIDES[i]}"] [data-figure="${what}"] canvas`);

$(".lb-sides").replaceChildren(...SIDES.map((side, i) => {
  const name = make("h3", "lb-name"), section = make("section", "lb-side", "", make("div", "lb-side-head", "", name, make("dl", "lb-figures")), make("div", "lb-squares", "", ...PICTURES.map((entry) => square(i, ...entry))));
  name.style.setProperty("--side", COLOURS[i]);
  section.dataset.side = side; section.setAttribute("aria-label", i ? "right network" : "left network");
  return section;
}));

function square(i, what, title) {
  const canvas = make("canvas"), figure = make("figure", "", "", make("h4", "", title), canvas, make("figcaption"));
  figure.dataset.figure = what; canvas.dataset.what = title; canvas.setAttribute("role", "img");
  canvas.onpointermove = canvas.onpointerdown = (event) => point(i, what, event);
  canvas.onpointerleave = () => { hover = null; redraw(); };
  return figure;
}

const choice = make("select", "", "", new Option("plain VQ", ""), ...given.cures.map((cure) => new Option(cure.key === "fsq" ? "FSQ" : `VQ + ${cure.title}`, cure.key)));
choice.setAttribute("aria-label", "What the right network has");
choice.value = beside;
choice.onchange = () => { beside = choice.value; mark(`right: ${choice.selectedOptions[0].textContent}`); want(0); };
$('[data-side="right"] .lb-side-head').append(make("label", "ev-field lb-beside", "", make("span", "", "compare with"), choice));

function point(i, what, event) {
  if (!sides[i]?.counts) return;
  const found = pointAt(i, what, event.offsetX, event.offsetY);
  const next = what === "pictures" ? { side: i, picture: found, code: null } : { side: i, code: found };
  if (JSON.stringify(next) !== JSON.stringify(hover)) { hover = next; redraw(); }
}
function redraw() { if (sides[0]) { SIDES.forEach((side, i) => captions($(`[data-side="${side}"]`), i)); drawSides(); } }

// ---- cures

const low = (cure) => cure === "low_dim" && plan.dim <= given.low;
function toggle(cure) {
  const on = !cures.has(cure);
  if (on) { cures.add(cure); cures.delete(EXCLUDE[cure]); } else cures.delete(cure);
  mark(`${on ? "+" : "−"} ${CURES.get(cure).title}`);
  explain(cure);
  switches();
  want(0);
}

function mark(what) { if (step) marks.push([step, what]); }

function explain(cure) {
  const { title, what, paper } = CURES.get(cure);
  const why = low(cure) ? ` D is ${plan.dim} already: choose a larger D to see what it does.` : EXCLUDE[cure] ? ` It takes the place of ${CURES.get(EXCLUDE[cure]).title}.` : "";
  $(".lb-cure-text").replaceChildren(make("b", "", title), ` ${what}${why} `, make("cite", "", paper));
}

function switches() {
  const group = $(".lb-switches");
  if (!group.children.length) group.append(...given.cures.map((cure) => {
    const found = button(cure.title, () => toggle(cure.key));
    found.className = "lb-switch"; found.dataset.cure = cure.key;
    found.onpointerenter = found.onfocus = () => explain(cure.key);
    return found;
  }));
  for (const each of group.children) {
    each.setAttribute("aria-pressed", String(cures.has(each.dataset.cure)));
    each.disabled = low(each.dataset.cure);
  }
}

// ---- what a run starts from; changing it starts anew, and running goes on

const DATAS = given.datas.map((name) => [name, name === "drawn" ? "draw your own" : name]);
function startWith(changes) {
  Object.assign(plan, changes);
  if (low("low_dim")) cures.delete("low_dim");
  step = 0;
  controls();
  want(0, true);
}

function controls() {
  const names = (values) => values.map((value) => [String(value), number(value)]);
  buttons($(".lb-sizes"), names(given.sizes), String(plan.size), (value) => startWith({ size: Number(value) }));
  buttons($(".lb-dims"), names(given.dims), String(plan.dim), (value) => startWith({ dim: Number(value) }));
  buttons($(".lb-datas"), DATAS, plan.data, choosePoints);
  $(".lb-datas-group").hidden = !given.datas.length;
  buttons($(".lb-speeds"), SPEEDS, speed, (value) => { speed = value; wake(); controls(); look(); });
  $(".lb-seed").value = plan.seed;
  switches();
}

// [name, label, from slider (0 to 100) to value, back, text]
const powers = (low, high) => [(at) => low * (high / low) ** (at / 100), (value) => 100 * Math.log(value / low) / Math.log(high / low)];
const SLIDERS = [
  ["learning_rate", "learning rate", ...powers(1e-4, 2e-2), (v) => v.toPrecision(2)],
  ["beta", "β, weight of commitment", (at) => (at / 100) ** 2 * 4, (value) => 100 * Math.sqrt(value / 4), (v) => v.toFixed(2)],
  ["decay", "decay of EMA", (at) => 1 - 0.5 * (0.001 / 0.5) ** (at / 100), (value) => 100 * Math.log((1 - value) / 0.5) / Math.log(0.001 / 0.5), (v) => v.toFixed(3)],
];
$(".lb-sliders").replaceChildren(...SLIDERS.map(([name, label, toValue, toPlace, text]) => {
  const input = Object.assign(make("input"), { type: "range", min: 0, max: 100, step: 0.5, value: toPlace(settings[name]) }), output = make("output", "", text(settings[name]));
  input.dataset.setting = name;
  input.setAttribute("aria-valuetext", output.textContent);
  input.oninput = () => { settings[name] = Math.max(0, toValue(Number(input.value))); output.textContent = text(settings[name]); input.setAttribute("aria-valuetext", output.textContent); };
  input.onchange = () => mark(`${label} ${text(settings[name])}`);
  return make("label", "", "", make("span", "", label), input, output);
}));

const DO = {
  step: () => want(1),
  reset: restart,
  seed: () => startWith({ seed: Math.floor(Math.random() * 10_000) }),
};
for (const [name, act] of Object.entries(DO)) $(`[data-do="${name}"]`).onclick = act;
$(".lb-run").onclick = () => { if (running) pause(); else run(); };
$(".lb-seed").onchange = (event) => {
  const seed = Number(event.target.value);
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) startWith({ seed });
  else { event.target.value = plan.seed; complain(`A seed is a whole number from 0 to ${number(2 ** 31 - 1)}.`); }
};

// ---- drawing one's own points

const strokes = [], cross = { x: 0, y: 0 };
function choosePoints(name) {
  $(".lb-draw").hidden = name !== "drawn";
  if (name !== "drawn") return startWith({ data: name, drawn: [] });
  buttons($(".lb-datas"), DATAS, name, choosePoints);
  drawPad();
}

function putPoint(x, y) {
  const inside = (v) => Math.round(100 * Math.max(-2, Math.min(2, v))) / 100;
  if (strokes.length < 1024) for (let n = 0; n < 3; n++) strokes.push([inside(x + 0.16 * (Math.random() - 0.5)), inside(y + 0.16 * (Math.random() - 0.5))]);
  drawPad();
}

function drawPad() {
  const fitted = fitCanvas($(".lb-pad"));
  $(".lb-drawn").textContent = `${number(strokes.length)} points. 1,024 are picked among them, each with a little noise.`;
  $('[data-do="use"]').disabled = strokes.length < 6;
  if (!fitted) return;
  const { context, width } = fitted, at = (v) => (v + 2) * width / 4;
  context.fillStyle = COLOURS[0];
  for (const [x, y] of strokes) context.fillRect(at(x) - 1.5, at(-y) - 1.5, 3, 3);
  if (document.activeElement !== $(".lb-pad")) return;
  context.strokeStyle = DEAD; context.beginPath();
  context.moveTo(at(cross.x) - 8, at(-cross.y)); context.lineTo(at(cross.x) + 8, at(-cross.y)); context.moveTo(at(cross.x), at(-cross.y) - 8); context.lineTo(at(cross.x), at(-cross.y) + 8);
  context.stroke();
}

const pad = $(".lb-pad");
const padAt = (event) => [4 * event.offsetX / pad.clientWidth - 2, 2 - 4 * event.offsetY / pad.clientHeight];
pad.onpointerdown = (event) => { pad.setPointerCapture(event.pointerId); putPoint(...padAt(event)); };
pad.onpointermove = (event) => { if (event.buttons) putPoint(...padAt(event)); };
pad.onfocus = pad.onblur = drawPad;
pad.onkeydown = (event) => {
  const by = ARROWS[event.key];
  if (!by && event.key !== " ") return;
  event.preventDefault();
  if (by) { cross.x = Math.max(-2, Math.min(2, cross.x + 0.1 * by[0])); cross.y = Math.max(-2, Math.min(2, cross.y - 0.1 * by[1])); drawPad(); } else putPoint(cross.x, cross.y);
};
$('[data-do="use"]').onclick = () => startWith({ data: "drawn", drawn: strokes.slice(0, 1024).flat() });
$('[data-do="clear"]').onclick = () => { strokes.length = 0; drawPad(); };

// ---- start and end

// Another part of the page asks for a state: share("lab", {lab, plan, cures, beside, run}), all but `lab` as they please.
onShared("lab", (text) => {
  const wanted = JSON.parse(text);
  if (wanted.lab !== lab) return;
  cures.clear();
  for (const cure of wanted.cures ?? []) cures.add(cure);
  beside = choice.value = wanted.beside ?? "fsq";
  startWith({ ...given.plan, ...wanted.plan });
  if (wanted.run) run(); else pause();
});

$(".lb-intro").textContent = INTRO;
root.dataset.lab = lab;
controls();
$(".lb-cure-text").textContent = "Each can be switched on and off at any time. Point at one to read what it does.";
want(0, true);
new ResizeObserver(() => { if (visible()) { wake(); look(); } }).observe($(".lb-sides"));
document.addEventListener("visibilitychange", () => wake());
const signs = setInterval(() => {
  if (!element.isConnected) { clearInterval(signs); running = false; } else if (step && !(running && visible())) ask({ ask: "touch" }).catch(() => {});
}, TOUCH);
addEventListener("pagehide", () => { running = false; ask({ ask: "drop" }).catch(() => {}); });
