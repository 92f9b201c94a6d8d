// ---- words, palette, digits, history -----------------------------------------------------------------------

const SHOWN_RUNNERS = 8;
const HOW = {
  cell: "Click a cell to select it.", box: "Drag a box.", brush: "Paint over the cells you want.",
  same: "Click a cell to take every cell with its code.", pick: "Eyedropper: the selected cells take the code of the cell you click.",
};

function words() {
  const chosen = count(), distinct = new Set(current().filter((_, i) => selection()[i])).size;
  $(".ev-selected").textContent = hover !== null ? `row ${rowOf(hover)}, column ${columnOf(hover)}: code ${number(current()[hover])}`
    : chosen ? `${number(chosen)} cell${chosen > 1 ? "s" : ""} selected · ${number(distinct)} code${distinct > 1 ? "s" : ""}` : "nothing selected";
  root.dataset.cell = hover === null ? "" : `${rowOf(hover)},${columnOf(hover)}`;
  root.dataset.code = hover === null ? "" : String(current()[hover]);
  const entry = picture.levels[level], { codes, picture: decoded, change } = figures;
  const changed = entry ? current().reduce((sum, code, i) => sum + (code !== entry.codes[i]), 0) : 0;
  codes.fact.textContent = entry ? `${number(changed)} of ${number(current().length)} changed` : "";
  codes.caption.textContent = HOW[tool] + (touch || tool === "pick" ? "" : " Shift adds, Alt removes.");
  const last = steps[position - 1];
  decoded.fact.textContent = working ? "decoding…" : last ? `${number(Math.ceil(last.milliseconds))} ms for ${last.box[3] - last.box[1]} × ${last.box[2] - last.box[0]} px` : `${picture.width} × ${picture.height} px`;
  decoded.caption.textContent = !coded() ? "Decoded from floats that were never rounded to codes."
    : infers() ? `After an edit ${finer().join(" and ")} is inferred again from the original picture, nothing else.` : "Decoded from the edited codes; never encoded again.";
  change.caption.textContent = changeCaption();
  change.empty.textContent = shown === "change" ? "Nothing was edited yet. Select cells and give them another code." : "Measuring…";
  change.empty.hidden = shown === "change" ? position > 0 : shown === "slider" || Boolean(measured());
  $(".ev-divider").hidden = shown !== "slider";
  $(".ev-divider").style.left = `${100 * divider}%`;
  Object.assign(change.canvas, { tabIndex: shown === "slider" ? 0 : -1, role: shown === "slider" ? "slider" : "img", ariaLabel: shown === "slider" ? "Before and after" : changeCaption(), ariaValueNow: Math.round(100 * divider) });
}

function changeCaption() {
  const all = number(picture.width * picture.height), found = measured();
  if (shown === "slider") return "Left of the line: before the first edit. Drag it.";
  if (shown === "change") return difference && position ? `${number(difference.count)} of ${all} pixels moved. Brighter moved further; black did not move.` : "How far each pixel moves from the picture before the first edit.";
  if (!found) return "Other codes are tried in the selected cell, and every pixel that moves is shown.";
  const moving = `${number(found.pixels)} of ${all} pixels move with row ${rowOf(found.cell)}, column ${columnOf(found.cell)}`;
  return found.reach === null ? `${moving}. Influence is global in this model: one code can move every pixel.`
    : `${moving}, none farther than ${found.reach} px away. Brighter moves more.`;
}

// url: the picture of a code that came without the page's sheet of all.
function swatch(code, below, act, url) {
  const canvas = swatchOf(book(), code, 48), found = make("button", "ev-swatch", "", canvas, make("b", "", number(code)), make("small", "", below));
  Object.assign(found, { type: "button", title: `Set the selection to code ${code}`, onclick: act });
  found.dataset.code = code;
  if (url) paintOver(canvas, url);
  return found;
}

// The palette stays while codes are tried from it; it moves with the next selection.
let paletteOf = "";
async function palette() {
  const key = `${picture.model} ${level} ${anchor} ${Boolean(book()?.sheet)}`, chosen = current()[aimed()];
  if (key !== paletteOf) {
    paletteOf = key;
    $(".ev-palette-fact").textContent = `nearest to ${number(anchor)}, ${book()?.radices.length ? "in digit steps" : "with distance"}`;
    try {
      const found = await ask("neighbours", { code: anchor, levels: {} });
      if (key !== paletteOf) return;
      $(".ev-palette").replaceChildren(...found.codes.map((code, i) => swatch(code, plain(found.distances[i]), () => setTo(code), found.swatches?.[i])));
    } catch (error) { paletteOf = ""; say(error.message); }
  }
  mark(".ev-palette", chosen);
}

function runnersUp() {
  const entry = picture.levels[level], cell = aimed();
  $(".ev-runners-up").hidden = !entry.top;
  if (!entry.top) return;
  const per = entry.top.length / entry.codes.length, key = `${pictureVersion} ${level} ${cell} ${Boolean(book()?.sheet)}`;
  if ($(".ev-runners").dataset.of !== key) {
    $(".ev-runners").dataset.of = key;
    $(".ev-runners-fact").textContent = `row ${rowOf(cell)}, column ${columnOf(cell)}, with their probability`;
    $(".ev-runners").replaceChildren(...Array.from({ length: Math.min(per, SHOWN_RUNNERS) }, (_, i) => {
      const code = entry.top[cell * per + i];
      return swatch(code, `${(100 * entry.odds[cell * per + i]).toFixed(1)} %`, () => setTo(code));
    }));
  }
  mark(".ev-runners", current()[cell]);
}

function mark(group, code) {
  for (const button of $(group).children) button.setAttribute("aria-pressed", String(button.dataset.code === String(code)));
}

// FSQ and LFQ: one slider per digit, a box to tick where it is a bit, and the index as the sum of digits times their places.
let gestures = 0;
function digits() {
  const panel = $(".ev-digits"), radices = book()?.radices ?? [], code = current()[aimed()];
  panel.hidden = !radices.length;
  if (panel.dataset.radices !== String(radices)) {
    panel.dataset.radices = radices;
    panel.dataset.bits = radices.every((radix) => radix === 2) ? "yes" : "no";
    panel.replaceChildren(...radices.map(digitInput), make("p"));
  }
  const places = radices.map((_, i) => radices.slice(0, i).reduce((a, b) => a * b, 1));
  const values = digitsOf(code, radices);
  radices.forEach((radix, i) => {
    const input = panel.children[i].querySelector("input"), bit = radix === 2;
    if (document.activeElement !== input || !working) input[bit ? "checked" : "value"] = values[i];  // not under the finger
    panel.children[i].querySelector("span").textContent = bit ? values[i] : `${values[i]} of 0–${radix - 1}`;
  });
  panel.lastChild.textContent = `code ${number(code)} = ${values.map((value, i) => i ? `${value} × ${number(places[i])}` : value).join(" + ")}`;
}

function digitInput(radix, channel) {
  const bit = radix === 2, input = Object.assign(make("input"), bit ? { type: "checkbox" } : { type: "range", min: 0, max: radix - 1, step: 1 });
  for (const begins of ["pointerdown", "keydown"]) input.addEventListener(begins, () => { gestures++; });
  input.addEventListener("input", () => {
    const where = needSelection(), digit = Number(bit ? input.checked : input.value);
    if (where) submit([{ kind: "set_digit", level: cells().name, cells: where, channel, digit }], `digit ${channel + 1} = ${digit}`, `digit ${gestures}`);
    else digits();
  });
  return make("label", "", `${bit ? "bit" : "digit"} ${channel + 1}`, input, make("span"));
}

// One small picture per step. Only what is new is added, so that hundreds of steps cost nothing.
let start = null;
function historyStrip() {
  const strip = $(".ev-history");
  if (start?.of !== picture.reconstruction) start = { of: picture.reconstruction, button: historyButton(picture.reconstruction, "before the first edit", 0) };
  const wanted = [start.button, ...steps.map((step, i) => step.button ??= historyButton(step.thumb, `${i + 1}. ${step.label}`, i + 1))];
  while (strip.lastChild && strip.lastChild !== wanted[strip.children.length - 1]) strip.lastChild.remove();
  strip.append(...wanted.slice(strip.children.length));
  wanted.forEach((button, i) => { button.setAttribute("aria-pressed", String(i === position)); button.dataset.undone = i > position ? "yes" : "no"; });
  const here = wanted[position];
  if (here.offsetTop < strip.scrollTop) strip.scrollTop = here.offsetTop;
  else if (here.offsetTop + here.offsetHeight > strip.scrollTop + strip.clientHeight) strip.scrollTop = here.offsetTop + here.offsetHeight - strip.clientHeight;
  $(".ev-history-fact").textContent = position ? `step ${position} of ${steps.length}: ${steps[position - 1].label}` : steps.length ? `before the first of ${steps.length} steps` : "every step can be returned to";
}

function historyButton(thumb, title, target) {
  const image = Object.assign(new Image(), { alt: "", src: thumb });
  return Object.assign(make("button", "", "", image), { type: "button", title, ariaLabel: title, onclick: () => goTo(target) });
}
