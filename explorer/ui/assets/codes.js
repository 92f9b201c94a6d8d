// What the views know of codes: models and pictures as the server sends them, codes as cells, swatches, files and digits.

// Colours that tell codes apart and say nothing more, of a codebook too large to be sent any.
function hashedColours(size) {
  const found = new Uint8Array(3 * size);
  for (let code = 0; code < size; code++) {
    const mixed = Math.imul(code, 2654435761) >>> 0;
    for (let c = 0; c < 3; c++) found[3 * code + c] = 56 + Math.floor(((mixed >>> (24 - 8 * c)) & 255) * 5 / 8);
  }
  return found;
}

const coloursOf = (entry) => unpack(entry.colours, Uint8Array) ?? hashedColours(entry.size);

// A level's codes as a file holds them: rows of integers, or one row where they form no map.
function written({ shape, rows, columns }, codes) {
  const nested = Array.from({ length: rows }, (_, r) => [...codes.subarray(r * columns, (r + 1) * columns)]);
  return { grid: shape, codes: shape.length === 1 ? nested.flat() : nested };
}

// A model payload with its arrays unpacked and its swatches loaded.
async function readModel(text) {
  const found = JSON.parse(text);
  found.scale = unpack(found.scale, Uint8Array);
  found.heat = unpack(found.heat, Uint8Array);
  await Promise.all(found.levels.map(async (entry) => {
    entry.hashed = !entry.colours;
    entry.colours = coloursOf(entry);
    entry.counts = unpack(entry.counts, Int32Array);
    entry.sheet = entry.atlas ? await loadImage(entry.atlas) : null;
  }));
  return found;
}

// A picture payload with what is known of every cell unpacked.
const OF_CELLS = { codes: Int32Array, runner_up: Int32Array, top: Int32Array, cost: Float32Array, margin: Float32Array, odds: Float32Array };
function readPicture(text) {
  const found = JSON.parse(text);
  for (const entry of found.levels) for (const [name, type] of Object.entries(OF_CELLS)) entry[name] = unpack(entry[name], type);
  return found;
}

// The codes of a picture as a file holds them.
function codesFile({ model, revision, width, height, levels }) {
  return { model, revision, image_size: [height, width], levels: Object.fromEntries(levels.map((entry) => [entry.name, written(entry, entry.codes)])) };
}

function digitsOf(code, radices) {
  return radices.map((radix) => { const digit = code % radix; code = Math.floor(code / radix); return digit; });
}

// How often a code occurs in the reference pictures, in words.
function shareOf({ counts, tokens }, code) {
  const share = 100 * counts[code] / tokens;
  return `${share >= 0.1 ? number(share, 2) : share ? number(share, 4) : "0"} % of ${number(tokens)}`;
}

// ---- swatches: what a code decodes to. entry: a level of a model, null while that is not known --------------------

const colourIn = (entry, code) => entry ? rgb(entry.colours, code) : "#888";

function drawTile(context, { sheet, atlas_columns: columns, tile }, code, x, y, side) {
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, (code % columns) * tile, Math.floor(code / columns) * tile, tile, tile, x, y, side, side);
}

// A swatch over a whole canvas; a colour where the page was not sent one.
function drawSwatch(canvas, entry, code, colour = colourIn(entry, code)) {
  const context = canvas.getContext("2d"), side = canvas.width;
  if (entry?.sheet) drawTile(context, entry, code, 0, 0, side);
  else { context.fillStyle = colour; context.fillRect(0, 0, side, side); }
}

function swatchOf(entry, code, side, kind = "", colour = undefined) {
  const canvas = Object.assign(make("canvas", kind), { width: side, height: side });
  drawSwatch(canvas, entry, code, colour);
  return canvas;
}

// Another picture over a swatch, of a code that came without the sheet of all.
function paintOver(canvas, url) {
  loadImage(url).then((image) => canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height));
}

// ---- codes as cells ---------------------------------------------------------------------------------------------

const GRID_FROM = 11, PRINT_FROM = 30;            // pixels of a cell from which lines, and codes, are drawn

// A canvas with a pixel per cell, in the colour at its index.
function cellPicture({ rows, columns }, indices, colours) {
  const canvas = Object.assign(make("canvas"), { width: columns, height: rows });
  const context = canvas.getContext("2d"), data = context.createImageData(columns, rows);
  indices.forEach((index, i) => {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = colours ? colours[3 * index + c] : 128;
    data.data[4 * i + 3] = 255;
  });
  context.putImageData(data, 0, 0);
  return canvas;
}

// Lines between the cells of a picture at [left, top, width, height], and the codes in them, where there is room.
function drawGrid(context, [left, top, width, height], { rows, columns }, codes) {
  const w = width / columns, h = height / rows;
  if (Math.min(w, h) < GRID_FROM) return;
  context.strokeStyle = "rgba(0,0,0,0.25)"; context.lineWidth = 1; context.beginPath();
  for (let c = 1; c < columns; c++) { context.moveTo(left + c * w, top); context.lineTo(left + c * w, top + height); }
  for (let r = 1; r < rows; r++) { context.moveTo(left, top + r * h); context.lineTo(left + width, top + r * h); }
  context.stroke();
  if (Math.min(w, h) < PRINT_FROM) return;
  context.font = `${Math.min(13, Math.floor(w / 3.2))}px system-ui, sans-serif`;
  context.textAlign = "center"; context.textBaseline = "middle"; context.fillStyle = "#111";
  context.lineWidth = 3; context.strokeStyle = "rgba(255,255,255,0.85)";
  codes.forEach((code, i) => {
    const x = left + (i % columns + 0.5) * w, y = top + (Math.floor(i / columns) + 0.5) * h;
    if (x < -w || y < -h || x > context.canvas.clientWidth + w || y > context.canvas.clientHeight + h) return;
    context.strokeText(code, x, y); context.fillText(code, x, y);
  });
}

// The linked pictures of a view, by name.
function figuresOf() {
  return Object.fromEntries($$(".tv-figure").map((figure) => [figure.dataset.figure, {
    canvas: figure.querySelector("canvas"), fact: figure.querySelector(".tv-fact"), empty: figure.querySelector(".tv-empty"), caption: figure.querySelector("figcaption"),
  }]));
}
