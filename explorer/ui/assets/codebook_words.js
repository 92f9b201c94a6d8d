// ---- words --------------------------------------------------------------------------------------------------

function look() {
  if (!model) return;
  root.dataset.codes = coded() ? "yes" : "no";
  $(".cv-empty").hidden = coded();
  if (!coded()) { root.dataset.ready = "yes"; root.dataset.model = model.id; return; }
  here = new Set(picturesCodes());
  buttons($(".cv-methods"), METHODS, method, (key) => { method = key; askMap(); look(); });
  buttons($(".cv-of"), OF, of, (key) => { of = key; askMap(); look(); });
  buttons($(".cv-dims"), DIMS, dims, (key) => { dims = key; map = null; askMap(); look(); });
  buttons($(".cv-tool"), dims === "2" ? TOOLS : [["move", "turn"], TOOLS[1]], tool, (key) => { tool = key; look(); });
  buttons($(".tv-levels"), model.levels.map((entry, i) => [String(i), entry.name]), String(level), (key) => toLevel(Number(key)));
  $(".tv-levels-group").hidden = model.levels.length < 2;
  const able = colourings();
  if (!able.some(([key]) => key === colour)) colour = able[0][0];
  buttons($(".cv-colours"), able, colour, (key) => { colour = key; look(); });
  $(".cv-at-most").parentElement.style.display = book().counts ? "" : "none";
  const filters = FILTERS.filter(([key]) => book().counts || !["used", "dead"].includes(key));
  if (!filters.some(([key]) => key === filter)) filter = "all";
  buttons($(".cv-filters"), filters, filter, (key) => { filter = key; page = 0; look(); });
  values = scaled();
  span = values ? spanOf(values) : [0, 1];
  words();
  table();
  root.dataset.ready = map ? "yes" : "no";
  root.dataset.model = model.id;
  root.dataset.level = book().name;
  root.dataset.map = map ? `${map.of}/${map.method}/${map.dims}` : "";
  draw();
}

function words() {
  const { size, counts, tokens } = book(), mapped = map ? map.codes.length : size;
  let none = 0;
  for (let i = 0; i < size; i++) if (dead(i)) none++;
  $(".cv-title").textContent = mapped < size ? `${number(mapped)} of ${number(size)} codes, a random sample` : `${number(size)} codes`;
  $(".cv-fact").textContent = map?.outputs.length ? "small dots: where the encoder puts real patches" : "";
  const shown = map ?? { of, method }, grey = ["usage", "dead"].includes(colour) ? "Grey" : "Dead";   // a map may stand in for the one on its way
  const what = shown.of === "vectors" ? "Codes whose vectors are alike lie together." : "Codes that decode to like patches lie together.";
  const deadText = !counts ? "" : none ? ` ${grey}: ${number(none)} codes that ${number(tokens)} reference tokens ${atMost ? `used at most ${atMost} times` : "never used"}${map?.outputs.length ? "; see how far they lie from what the encoder puts out" : ""}.` : ` All of them occur in ${number(tokens)} reference tokens.`;
  const why = none && nearestOutput ? ` The nearest encoder output is ${plain(median(dead))} away from the median dead code, ${plain(median((code) => !dead(code)))} from the median used one.` : "";
  const how = shown.method === "umap" ? " UMAP keeps neighbourhoods, not distances." : " The two axes along which the vectors differ most.";
  $(".cv-caption").textContent = what + deadText + why + how.replace("two", dims === "2" ? "two" : "three") + " Point, click, zoom in to see what each code decodes to.";
  const legend = { usage: ["never", number(10 ** span[1] - 1), "times in the reference pictures, log scale"], norm: [plain(span[0]), plain(span[1]), "length of the code vector"], far: [plain(span[0]), plain(span[1]), "from the code vector to the nearest encoder output"] };
  const [low, high, text] = legend[colour] ?? (colour.startsWith("digit") ? ["0", String(book().radices[Number(colour.slice(5))] - 1), `${colour.replace("digit", "digit ")}`.replace(/\d+/, (d) => Number(d) + 1)] : ["", "", { dead: "violet: used; grey: dead", decoded: "the mean colour each code decodes to", token: "the colours of the token map" }[colour]]);
  $(".tv-legend-low").textContent = low; $(".tv-legend-high").textContent = high; $(".tv-legend-text").textContent = text;
  $(".tv-legend-bar").style.visibility = values ? "visible" : "hidden";
  drawScale($(".tv-legend-bar"), model.scale);
  $(".cv-lasso").hidden = !lasso;
  if (lasso) {
    let sum = 0;
    for (const code of lasso) sum += counts?.[code] ?? 0;
    $(".cv-lasso-text").textContent = `${number(lasso.size)} codes in the lasso${counts ? `, ${number(100 * sum / tokens, 1)} % of the reference tokens` : ""}`;
  }
}

function median(of) {
  const found = [...nearestOutput.keys()].filter(of).map((code) => nearestOutput[code]).sort((a, b) => a - b);
  return found.length ? found[found.length >> 1] : 0;
}

function factsOf(code) {
  const facts = [];
  if (book().counts) facts.push(["in the reference set", shareOf(book(), code)]);
  const found = picturesCodes().reduce((sum, other) => sum + (other === code), 0);
  if (picturesCodes().length) facts.push(["in this picture", `${number(found)} of ${number(picturesCodes().length)}`]);
  if (norms) facts.push(["length of its vector", plain(norms[code])]);
  if (nearestOutput) facts.push(["nearest encoder output", plain(nearestOutput[code])]);
  if (book().radices.length) facts.push([`digits, radix ${book().radices.join("·")}`, digitsOf(code, book().radices).join("·")]);
  return facts;
}

function tell(x, y) {
  const tip = $(".tv-tip");
  root.dataset.hover = hover === null ? "" : String(map.codes[hover]);
  tip.hidden = hover === null;
  if (hover === null) return;
  const code = map.codes[hover];
  $(".tv-tip-code").textContent = `code ${number(code)}`;
  $(".tv-tip-cell").textContent = !book().counts ? "" : dead(code) ? "dead" : "used";
  drawSwatch($(".tv-swatch"), book(), code, colourOf(code));
  list($(".tv-tip-facts"), factsOf(code));
  const wide = canvas.clientWidth, high = canvas.clientHeight;
  tip.style.left = `${Math.max(4, x > wide / 2 ? x - 280 : x + 18)}px`;
  tip.style.top = `${Math.max(4, Math.min(high - tip.offsetHeight - 4, y - 30))}px`;
}

// ---- the table ----------------------------------------------------------------------------------------------

const COLUMNS = { code: "code", count: "times seen", share: "share", norm: "length", far: "to the encoder" };

// At most so many rows at once; the rest is on other pages.
function table(most = ROWS) {
  const { size, counts, tokens } = book();
  rows = Array.from({ length: size }, (_, i) => i).filter(shows);
  const key = { code: (i) => i, count: (i) => counts?.[i] ?? 0, share: (i) => counts?.[i] ?? 0, norm: (i) => norms?.[i] ?? 0, far: (i) => nearestOutput?.[i] ?? 0 }[order];
  rows.sort((a, b) => (rising ? 1 : -1) * (key(a) - key(b)) || a - b);
  const pages = Math.max(1, Math.ceil(rows.length / most));
  page = Math.max(0, Math.min(page, pages - 1));
  const heads = make("tr");
  for (const [name, label] of Object.entries(COLUMNS)) {
    if ((name === "norm" && !norms) || (name === "far" && !nearestOutput) || (!counts && (name === "count" || name === "share"))) continue;
    const th = make("th", "", "", plainButton(label + (order === name ? (rising ? " ↑" : " ↓") : ""), () => { rising = order === name ? !rising : name === "code"; order = name; page = 0; table(); }));
    th.setAttribute("aria-sort", order === name ? (rising ? "ascending" : "descending") : "none");
    heads.append(th);
  }
  $(".cv-table thead").replaceChildren(heads);
  $(".cv-table tbody").replaceChildren(...rows.slice(page * ROWS, page * ROWS + most).map((code) => {
    const tr = make("tr"), td = (content) => tr.append(make("td", "", "", content));
    td(plainButton(number(code), () => choose(code), swatch(code, 16)));
    if (counts) { td(number(counts[code])); td(counts[code] ? `${number(100 * counts[code] / tokens, 4)} %` : "0"); }
    if (norms) td(plain(norms[code]));
    if (nearestOutput) td(plain(nearestOutput[code]));
    tr.dataset.dead = dead(code) ? "yes" : "no";
    return tr;
  }));
  $(".cv-page").textContent = rows.length ? `${number(page * ROWS + 1)} to ${number(Math.min(rows.length, page * ROWS + most))} of ${number(rows.length)}` : "none";
}
