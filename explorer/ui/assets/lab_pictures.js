// ---- the Pictures lab: what comes back of eight pictures, and what every code decodes to ----------------------

const PICTURES = [["pictures", "Eight pictures, coded and decoded"], ["codes", "Every code decoded"]];
const INTRO = "The eight example photographs of this page go through a tiny encoder, four by four pixels at a time to the nearest of K code vectors, and through a tiny decoder back. Both networks start from nothing; give them a minute.";

function takeData(text) { sides = [null, null]; data = null; loadImage(text).then((image) => { data = image; drawSides(); }); }

function takeSide(reply, before) {
  const side = { ...reply, counts: unpack(reply.counts, Uint16Array), image: before?.image, swatches: before?.swatches, shownColumns: before?.shownColumns };
  Promise.all([loadImage(reply.pictures), loadImage(reply.sheet)]).then(([image, swatches]) => {
    Object.assign(side, { image, swatches, shownColumns: reply.columns });
    drawSides();
  });
  return side;
}

function captions(side, i) {
  const none = sides[i].counts.length - usedOf(i);
  side.querySelector('[data-figure="pictures"] figcaption').textContent = "At 64 × 64 pixels, 256 codes each. Point at a picture, or touch it, to see the original.";
  side.querySelector('[data-figure="codes"] figcaption').textContent = hover?.side === i && hover.code !== null ? `Code ${number(hover.code)}: ${sides[i].counts[hover.code] ? `${number(sides[i].counts[hover.code])} of 2,048 cells` : "dead, no cell is given it"}.` : `What each code alone becomes.${none ? ` Grey: ${number(none)} codes that no cell of the pictures is given.` : " Every one is used."}`;
}

function drawSides() {
  SIDES.forEach((_, i) => {
    if (!sides[i]?.image) return;
    const strip = fitCanvas(canvasOf(i, "pictures")), sheet = fitCanvas(canvasOf(i, "codes"));
    if (strip) drawPictures(strip, i);
    if (sheet) drawSheet(sheet, i);
  });
}

// Two rows of four in the answer, four rows of two in the square: as large as they can be.
function drawPictures({ context, width }, i) {
  const tall = width / 4;
  context.imageSmoothingEnabled = false;
  for (let n = 0; n < 8; n++) {
    const source = hover?.side === i && hover.picture === n && data ? data : sides[i].image, side = source.width / 4;
    context.drawImage(source, (n % 4) * side, Math.floor(n / 4) * side, side, side, (n % 4) * tall, Math.floor(n / 4) * tall, tall, tall);
  }
}

function drawSheet({ context, width }, i) {
  const { counts, swatches, shownColumns: columns } = sides[i], tile = swatches.width / columns, shown = width / columns, gap = shown > 8 ? 1 : 0.5;
  context.imageSmoothingEnabled = false;
  for (let code = 0; code < counts.length; code++) {
    const x = (code % columns) * shown, y = Math.floor(code / columns) * shown;
    if (counts[code]) context.drawImage(swatches, (code % columns) * tile, Math.floor(code / columns) * tile, tile, tile, x, y, shown - gap, shown - gap);
    else { context.fillStyle = "rgba(168,162,158,0.35)"; context.fillRect(x, y, shown - gap, shown - gap); }
    if (hover?.side === i && hover.code === code) { context.lineWidth = 2; context.strokeStyle = "#1d4ed8"; context.strokeRect(x, y, shown, shown); }
  }
}

function pointAt(i, what, px, py) {
  const canvas = canvasOf(i, what), columns = what === "pictures" ? 4 : sides[i].columns, cell = canvas.clientWidth / columns;
  return Math.min(what === "pictures" ? 7 : sides[i].counts.length - 1, Math.floor(py / cell) * columns + Math.floor(px / cell));
}
