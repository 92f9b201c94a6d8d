// ---- turning from step to step -----------------------------------------------------------------------------
const sections = new Map(), redraws = new Map();
let steps = [], shown = null;

function lay(step, i) {
  const section = make("section", "gv-step"), body = make("div", "gv-body");
  body.innerHTML = step.body;                       // our own texts
  const title = make("h2", "", `${i + 1}. ${step.title}`), ways = make("p", "gv-way", "", ...step.ways.map(leading)), sources = make("p", "gv-papers", "Sources: ");
  title.tabIndex = -1;
  step.papers.forEach((paper, j) => {
    const link = make("a", "", paper.cite);
    link.href = paper.url; link.target = "_blank"; link.rel = "noreferrer";
    sources.append(j ? "; " : "", link);
  });
  section.append(title, body, ways, sources);
  section.hidden = true;
  section.setAttribute("aria-label", step.title);
  $(".gv-pages").append(section);
  sections.set(step.key, section);
  const entry = make("li", ""), jump = make("button", "", `${i + 1} ${step.title}`);
  jump.type = "button"; jump.dataset.key = step.key; jump.onclick = () => turnTo(step.key);
  entry.append(jump);
  $(".gv-steps ol").append(entry);
}

// What is live in a step begins when the step is first seen.
function begin(key) {
  if (redraws.has(key)) return redraws.get(key)();
  const box = sections.get(key).querySelector("[data-live]");
  box.classList.add("gv-live");
  redraws.set(key, live[key](box));
  redraws.get(key)();
}

function turnTo(key, focus = true) {
  if (!sections.has(key)) key = steps[0].key;
  shown = key;
  for (const [name, section] of sections) section.hidden = name !== key;
  for (const jump of root.querySelectorAll(".gv-steps button")) {
    if (jump.dataset.key === key) { jump.setAttribute("aria-current", "step"); const list = jump.closest("ol"); list.scrollLeft = jump.offsetLeft - list.clientWidth / 2 + jump.clientWidth / 2; } else jump.removeAttribute("aria-current");
  }
  const at = steps.findIndex((step) => step.key === key);
  $(".gv-place").textContent = `${at + 1} of ${steps.length}`;
  $('[data-turn="-1"]').disabled = at === 0; $('[data-turn="1"]').disabled = at === steps.length - 1;
  root.dataset.step = key;
  root.dataset.ready = "yes";
  if (root.clientWidth) begin(key);
  if (focus) { sections.get(key).querySelector("h2").focus({ preventScroll: true }); if (root.getBoundingClientRect().top < 0) root.scrollIntoView(); }
}

for (const turn of root.querySelectorAll("[data-turn]")) turn.onclick = () => turnTo(steps[steps.findIndex((step) => step.key === shown) + Number(turn.dataset.turn)].key);

// A way sets the model of the page, or the lab, where it names one, and opens a tab.
function leading(way) {
  const found = button(`${way.label} →`, () => {
    if (way.model) { props.value = way.model; trigger("go"); }
    if (way.lab.lab) share("lab", JSON.stringify(way.lab));
    openTab(way.tab);
    if (way.lab.lab === "points") openTab("In two dimensions");
  });
  found.classList.add("gv-main");
  return found;
}

const linked = () => /^#guide=(\w+)/.exec(location.hash)?.[1];
window.addEventListener("hashchange", () => { if (linked()) turnTo(linked()); });
$('[data-do="link"]').onclick = async (event) => {
  const link = `${location.href.split("#")[0]}#guide=${shown}`, said = event.target;
  history.replaceState(null, "", link);
  try { await navigator.clipboard.writeText(link); said.textContent = "Copied"; } catch { said.textContent = "It is in the address bar"; }
  setTimeout(() => { said.textContent = "Copy link"; }, 2500);
};

// On paper all steps stand one after the other.
function all() { root.dataset.print = "yes"; for (const key of sections.keys()) { sections.get(key).hidden = false; begin(key); } }
window.addEventListener("beforeprint", all);
window.addEventListener("afterprint", () => { delete root.dataset.print; turnTo(shown, false); });
$('[data-do="print"]').onclick = async () => {
  all();
  await new Promise((resolve) => setTimeout(resolve, 2500));   // what is live asks the server first
  for (const redraw of redraws.values()) redraw();
  window.print();
};

async function open() {
  try {
    ({ steps } = await ask("pages"));
    steps.forEach(lay);
    turnTo(linked() ?? steps[0].key, false);
  } catch (error) { $(".gv-pages").append(make("p", "gv-error", error.message)); }
}

new ResizeObserver(() => { if (root.clientWidth && shown) begin(shown); }).observe(root);
open();
