// ---- words around the pictures ------------------------------------------------------------------------------

function words() {
  const metric = book()?.metric, low = $(".tv-legend-low"), high = $(".tv-legend-high"), text = $(".tv-legend-text");
  const captions = {
    code: book()?.hashed ? `One colour per code, by its index alone: ${number(book().size)} are too many for near ones to look alike.`
      : "One colour per code; near codes have near colours.",
    rarity: "How rare the code is in the reference pictures, in bits: bright cells surprise.",
    cost: metric === "logit" ? "How unsure the choice was: −log probability of the code."
      : metric === "grid" ? "How far rounding moved the encoder's output, in rounding steps."
      : "How far the code vector is from the encoder's output.",
    margin: "By how much the second-best code lost: dark cells were close calls.",
    count: "How many cells of this picture share the cell's code.",
  };
  const order = flat() ? " These codes stand in a row, not for places: they are laid out here in reading order." : "";
  $(".tv-codes-caption").textContent = coded() ? captions[mode] + order : "A point in space per cell instead of an entry of a table.";
  if (mode === "code") {
    low.textContent = high.textContent = "";
    text.textContent = "Point at a colour to see its cells.";
  } else {
    const [from, to] = spanOf(values), unit = mode === "rarity" ? " bits" : "";
    low.textContent = plain(from) + unit;
    high.textContent = plain(to) + unit;
    text.textContent = "Point at the scale to see which cells.";
  }
}

function showMeasures() {
  const found = props.measures ? JSON.parse(props.measures) : null;
  const current = found && picture && found.model === picture.model;
  $(".tv-measures").replaceChildren(...(current ? found.items : []).map(({ value, unit, label }) => {
    const item = make("div", "", "", make("b", "", value, make("small", "", unit ? ` ${unit}` : "")), make("span", "", label));
    item.setAttribute("role", "listitem");
    return item;
  }));
  $(".tv-sentence").textContent = current ? found.sentence : "";
  const whole = picture && shownLevels === picture.levels.length;
  figures.reconstruction.fact.textContent = current && found.psnr && whole ? found.psnr : "";
}

function tell() {
  const tip = $(".tv-tip"), index = hover ?? pinned;
  const placed = (cell) => cell === null ? "" : `${Math.floor(cell / cells().columns)},${cell % cells().columns}`;
  root.dataset.cell = placed(index);
  root.dataset.code = index === null ? "" : String(cells().codes[index]);
  root.dataset.pinned = placed(pinned);
  root.dataset.lit = band ? String(band.size) : "";
  if (index === null) { tip.hidden = true; return; }
  const grid = cells(), reference = book(), code = grid.codes[index];
  const row = Math.floor(index / grid.columns), column = index % grid.columns;
  $(".tv-tip-code").textContent = `code ${number(code)}`;
  $(".tv-tip-cell").textContent = flat() ? `token ${index}` : `row ${row}, column ${column}`;
  const facts = [["in this picture", `${number(grid.here.get(code))} of ${number(grid.codes.length)}`]];
  if (reference?.counts) facts.push(["in the reference set", shareOf(reference, code)]);
  if (reference?.radices.length) facts.push([`digits, radix ${reference.radices.join("·")}`, digitsOf(code, reference.radices).join("·")]);
  if (grid.cost) facts.push([reference?.metric === "logit" ? "−log p" : "distance", plain(grid.cost[index])]);
  if (grid.runner_up) facts.push([`runner-up ${number(grid.runner_up[index])}`, `+${plain(grid.margin[index])}`]);
  list($(".tv-tip-facts"), facts);
  drawSwatch($(".tv-swatch"), reference, code);
  tip.hidden = false;
  placeTip(index);
}

let tipFigure = "codes";
function placeTip(index) {
  const tip = $(".tv-tip"), outer = root.getBoundingClientRect(), canvas = figures[tipFigure].canvas.getBoundingClientRect();
  const [x, y, w, h] = box(index, canvas.width, canvas.height);
  const cellX = canvas.left - outer.left + x, cellY = canvas.top - outer.top + y;
  const right = cellX + w + 12;
  tip.style.left = `${Math.max(0, right + tip.offsetWidth < outer.width ? right : Math.min(cellX - tip.offsetWidth - 12, outer.width - tip.offsetWidth))}px`;
  const below = canvas.top + y + h + 12 + tip.offsetHeight < window.innerHeight;
  const fitsLeft = right + tip.offsetWidth < outer.width || cellX - tip.offsetWidth - 12 >= 0;
  tip.style.top = `${fitsLeft ? Math.min(cellY, outer.height - tip.offsetHeight) : below ? cellY + h + 12 : cellY - tip.offsetHeight - 12}px`;
}
