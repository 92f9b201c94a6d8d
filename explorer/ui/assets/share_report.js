// ---- the report: what is on screen, with its hovering, as one file -------------------------------------------

// Runs inside the report; it sees `data` alone.
function viewer(data) {
  const area = document.querySelector("#pictures"), told = document.querySelector("#told"), stages = [];
  const finest = data.levels.at(-1);
  const add = (title, image, pixelated) => {
    const figure = document.createElement("figure"), head = document.createElement("h3"), canvas = document.createElement("canvas");
    head.textContent = title; canvas.width = 2 * data.width; canvas.height = 2 * data.height;
    canvas.style.cssText = "width:100%;display:block;border-radius:3px;cursor:crosshair";
    figure.append(head, canvas); area.append(figure);
    const draw = (cell) => {
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = !pixelated;
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      if (cell === null || !finest) return;
      const w = canvas.width / finest.columns, h = canvas.height / finest.rows, x = cell % finest.columns * w, y = Math.floor(cell / finest.columns) * h;
      context.lineWidth = 6; context.strokeStyle = "#000"; context.strokeRect(x, y, w, h);
      context.lineWidth = 3; context.strokeStyle = "#fff"; context.strokeRect(x, y, w, h);
    };
    canvas.onpointermove = (event) => {
      if (!finest) return;
      const box = canvas.getBoundingClientRect(), row = Math.min(finest.rows - 1, Math.floor((event.clientY - box.top) / box.height * finest.rows)), column = Math.min(finest.columns - 1, Math.floor((event.clientX - box.left) / box.width * finest.columns));
      const cell = row * finest.columns + column;
      stages.forEach((other) => other(cell));
      const share = [(row + 0.5) / finest.rows, (column + 0.5) / finest.columns];  // the cell's middle
      told.textContent = `row ${row}, column ${column}: ` + data.levels.map((level) => {
        const here = level.codes[Math.floor(share[0] * level.rows) * level.columns + Math.floor(share[1] * level.columns)];
        return `${data.levels.length > 1 ? `${level.name} ` : ""}code ${here}, ${level.codes.filter((other) => other === here).length} times in this picture`;
      }).join("; ");
    };
    canvas.onpointerleave = () => { stages.forEach((other) => other(null)); told.textContent = data.hint; };
    stages.push(draw); draw(null);
  };
  const loaded = (url) => new Promise((resolve) => { const image = new Image(); image.onload = () => resolve(image); image.src = url; });
  (async () => {
    if (data.original) add("Original", await loaded(data.original));
    for (const level of data.levels) add(data.levels.length > 1 ? `Token map, ${level.name}` : "Token map", await loaded(level.map), true);
    add("Reconstruction", await loaded(data.reconstruction));
    if (data.error) add("Error", await loaded(data.error));
    told.textContent = data.hint;
  })();
}

function report() {
  const levels = picture.levels.map((entry, i) =>
    ({ name: entry.name, rows: entry.rows, columns: entry.columns, codes: [...entry.codes], map: cellPicture(entry, entry.codes, coloursOf(model.levels[i])).toDataURL() }));
  const data = { width: picture.width, height: picture.height, original: picture.original, reconstruction: picture.reconstruction, error: picture.error, levels, hint: levels.length ? "Point at a cell to read its code." : "This model keeps floats, not codes." };
  const facts = document.querySelector("#facts .facts"), measures = document.querySelector("#token-view .tv-measures"), sentence = document.querySelector("#token-view .tv-sentence");
  const seen = tab(), panel = [...document.querySelectorAll("#main .tabitem")].find((each) => each.clientWidth);
  const parts = [
    tagged("p", `${picture.width} × ${picture.height} pixels, revision ${picture.revision}. Made with Codebook Explorer, ${new Date().toISOString().slice(0, 10)}.`),
    '<div id="pictures" class="tv-figures"></div><p id="told" role="status" style="min-height:1.5em"></p>',
    `<script>(${viewer})(${JSON.stringify(data).replaceAll("<", "\\u003c")})</scr` + "ipt>",
    measures ? still(measures) : "", sentence ? still(sentence) : "",
  ];
  if (panel && seen !== "Tokenize") parts.push(tagged("h2", seen), still(panel));
  if (facts) parts.push(still(facts));
  saveHtml(`${picture.name}, ${model.title}`, parts.join("\n"), `${picture.name}.${picture.model}.report`);
  say("The report is saved. It opens without a network.");
}

$('[data-do="report"]').onclick = () => { if (picture && model) report(); };
