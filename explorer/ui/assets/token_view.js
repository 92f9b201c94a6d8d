// ---- what the server sends, and what is shown ---------------------------------------------------------------

let modelVersion = 0, pictureVersion = 0;

async function takeModel() {
  if (!props.model) return;
  share("model", props.model);
  const version = ++modelVersion, found = await readModel(props.model);
  if (version !== modelVersion) return;
  model = found;
  if (picture) show();
}

async function takePicture() {
  if (!props.value) return;
  share("picture", props.value);
  const version = ++pictureVersion, found = readPicture(props.value), loaded = {};
  for (const entry of found.levels) {
    const counts = new Map();
    for (const code of entry.codes) counts.set(code, (counts.get(code) || 0) + 1);
    entry.histogram = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    entry.here = counts;
  }
  await Promise.all(["original", "reconstruction", "error"].map(async (name) => {
    loaded[name] = found[name] ? await loadImage(found[name]) : null;
  }));
  loaded.steps = await Promise.all([...found.partial.map(loadImage), loaded.reconstruction]);
  if (version !== pictureVersion) return;      // a later picture overtook this one
  const sameSize = picture && picture.width === found.width && picture.height === found.height, before = picture && cells();
  picture = found;
  Object.assign(images, loaded);
  if (!sameSize) view = { zoom: 1, left: 0, top: 0 };
  level = Math.max(0, Math.min(level, picture.levels.length - 1));
  if (!sameSize || before.rows !== cells().rows || before.columns !== cells().columns) pinned = null;
  shownLevels = picture.levels.length;
  hover = null; band = null; bandPinned = false; bar = -1;
  tellZoom();
  show();
  if (pinned !== null) pin(pinned);            // the same cell, but another code
}

function show() {
  const grid = cells();
  root.style.setProperty("--aspect", picture.width / picture.height);
  for (const [name, { canvas, empty }] of Object.entries(figures)) {
    const there = name === "codes" ? coded() : images[name];
    canvas.style.visibility = there ? "visible" : "hidden";
    if (empty) empty.hidden = Boolean(there);
  }
  figures.original.fact.textContent = `${picture.width} × ${picture.height}`;
  figures.codes.fact.textContent = coded() ? `${grid.shape.join(" × ")}, ${number(grid.histogram.length)} distinct` : "";
  figures.error.fact.textContent = `${shownLevels < picture.levels.length ? "of all levels together" : "mean of |difference|"}, ×${picture.error_gain}`;
  const kept = picture.levels.slice(0, shownLevels), names = kept.map((entry) => entry.name).join(" + ");
  $(".tv-reconstruction-caption").textContent = !coded() ? "Decoded from floats that were never rounded to codes."
    : `Decoded from ${number(kept.reduce((sum, l) => sum + l.codes.length, 0))} integers${picture.levels.length > 1 ? ` (${names})` : ""}, and nothing else.`;
  buttons($(".tv-partial"), picture.levels.map((entry, i) => [String(i + 1), i ? `+ ${entry.name}` : entry.name]), String(shownLevels), (key) => { shownLevels = Number(key); show(); });
  $(".tv-partial-group").hidden = picture.levels.length < 2;
  root.dataset.codes = coded() ? "yes" : "no";
  buttons($(".tv-levels"), picture.levels.map((entry, i) => [String(i), entry.name]), String(level), (key) => { level = Number(key); pinned = hover = null; clearBand(); show(); });
  $(".tv-levels-group").hidden = picture.levels.length < 2;
  const able = Object.entries(MODES).filter(([key]) => key === "code" || valuesOf(key));
  mode = able.some(([key]) => key === wanted) ? wanted : "code";
  buttons($(".tv-modes"), able, mode, (key) => { wanted = key; clearBand(); show(); });
  if (coded()) paintLayer();
  legendOrder();
  words();
  showMeasures();
  root.dataset.ready = "yes";
  root.dataset.model = picture.model;
  root.dataset.picture = picture.name;
  root.dataset.grid = `${grid.rows}x${grid.columns}`;
  draw();
  tell();
}

new ResizeObserver(() => { draw(); if (picture) tell(); }).observe(root);
watch("value", takePicture);
watch("model", takeModel);
watch("listed", () => share("models", props.listed));
watch("measures", () => { if (picture) showMeasures(); });
onShared("code", (text) => {
  const { model: id, level: name, code, from } = JSON.parse(text);
  const of = picture?.levels.findIndex((entry) => entry.name === name) ?? -1;
  if (from === "tokenize" || id !== picture?.model || of < 0) return;
  pinned = hover = null;
  if (of !== level && code !== null) { level = of; clearBand(); show(); }
  if (code === null) { clearBand(); tell(); draw(); } else light((other) => other === code, true);
});
takeModel();
takePicture();
