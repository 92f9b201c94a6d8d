// The Compare view: the page's picture through several models. The parts stand in one scope: state, pictures, table.
const VIEWS = [["picture", "pictures"], ["map", "token maps"], ["error", "errors"], ["slider", "before / after"]];
const MOST = 6, FEWEST = 2;

const FIRST = JSON.parse(props.chosen);
let models = JSON.parse(props.models), chosen = FIRST, byHand = false, equal = false, shown = "picture";
let picture = "", asked = "", result = null;           // picture: what the page shows, as a text that differs with it

function ask() {
  if (!root.clientWidth || !picture || chosen.length < FEWEST) return;
  const text = JSON.stringify({ models: chosen, equal_bits: equal, picture });
  if (text === asked) return;
  asked = text;
  props.value = text;
  complain("");
  trigger("asked");
}

async function take() {
  if (!props.result) return;
  const found = JSON.parse(props.result);
  if (found.asked !== asked) return;                   // an answer that nobody waits for any more
  const entries = [{ title: "Original", picture: found.original.picture, map: "", error: "" }, ...found.models, ...found.formats];
  for (const entry of entries) entry.images = Object.fromEntries(await Promise.all(["picture", "map", "error"].map(async (kind) => [kind, entry[kind] ? await loadImage(entry[kind]) : null])));
  if (found.asked !== asked) return;
  result = { ...found, entries };
  $(".mv-status").textContent = found.waiting ? `${found.models.length + 1} of ${chosen.length}: ${found.waiting} …` : "";
  root.dataset.ready = found.waiting ? "no" : "yes";
  look();
}

// The model of the page is among those compared, until the person says which are.
function withOwn(id) {
  if (byHand || !models.some((model) => model.id === id)) return;
  chosen = FIRST.includes(id) ? FIRST : [...FIRST.slice(0, -1), id];
}

function toggle(id) {
  if (chosen.includes(id)) {
    if (chosen.length <= FEWEST) return complain(`At least ${FEWEST} models are compared. Choose another one first.`);
    chosen = chosen.filter((other) => other !== id);
  } else {
    if (chosen.length >= MOST) return complain(`At most ${MOST} models are compared. Take one away first.`);
    chosen = models.map((model) => model.id).filter((other) => chosen.includes(other) || other === id);
  }
  byHand = true;
  look();
  ask();
}

function look() {
  const row = $(".mv-models"), listed = JSON.stringify(models);
  if (row.dataset.listed !== listed) {                 // else they stay, so that no answer takes one from under a press
    row.dataset.listed = listed;
    row.replaceChildren(...models.map(({ id, title }) => { const found = button(title, () => toggle(id)); found.dataset.model = id; return found; }));
  }
  for (const each of row.children) each.setAttribute("aria-pressed", String(chosen.includes(each.dataset.model)));
  buttons($(".mv-views"), VIEWS, shown, (key) => { shown = key; look(); });
  cards();
  table();
}
