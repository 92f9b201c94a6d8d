// ---- what the server sends, and what is shown ---------------------------------------------------------------

let modelVersion = 0, pictureVersion = 0;

async function takeModel(text) {
  const version = ++modelVersion, found = await readModel(text);
  if (version !== modelVersion) return;
  model = found;
  if (picture) show();
}

// A code chosen elsewhere, which may come before the picture.
let picked = null;
function takePicked() {
  if (!picked) return;
  const at = picture.levels.findIndex((entry) => entry.name === picked.level);
  if (at >= 0) level = at;
  $(".ev-code").value = anchor = picked.code;
  picked = null;
}

async function takePicture(text) {
  const version = ++pictureVersion, found = readPicture(text);
  const decoded = await loadImage(found.reconstruction);
  if (version !== pictureVersion) return;
  if (picture) leave();
  picture = found;
  base = decoded;
  queue.length = 0;
  steps = []; position = 0; cursor = 0;
  hover = drag = anchor = difference = null;
  level = Math.max(0, Math.min(level, picture.levels.length - 1));
  selected = picture.levels.map((entry) => new Uint8Array(entry.codes.length));
  now.width = picture.width; now.height = picture.height;
  paint(base, [0, 0]);
  if (!replayed() && !restoreOnce()) { replaying = null; comeBack(); remember(); }
  takePicked();
  show();
}

function show() {
  const there = coded();
  cursor = Math.min(cursor, Math.max(0, current().length - 1));  // another level may have fewer cells
  root.style.setProperty("--aspect", picture.width / picture.height);
  root.dataset.codes = there ? "yes" : "no";
  root.dataset.touch = touch ? "yes" : "no";
  root.dataset.tool = tool;
  root.dataset.view = shown;
  figures.codes.empty.hidden = there;
  buttons($(".ev-tools"), TOOLS, tool, (key) => { tool = key; show(); });
  buttons($(".ev-ways"), WAYS, way, (key) => { way = key; show(); });
  buttons($(".ev-views"), VIEWS, shown, (key) => { shown = key; show(); });
  buttons($(".tv-levels"), picture.levels.map((entry, i) => [String(i), entry.name]), String(level), (key) => { level = Number(key); cursor = 0; hover = drag = anchor = null; show(); });
  $(".tv-levels-group").hidden = picture.levels.length < 2;
  const later = finer().join(", ");
  buttons($(".ev-infer"), [["keep", `keep ${later}`], ["infer", `infer ${later} again`]], inferring ? "infer" : "keep", (key) => { inferring = key === "infer"; show(); });
  $(".ev-infer-group").hidden = !later || !picture.original;
  if (there) {
    paintLayer();
    anchor ??= current()[aimed()];
    palette();
    digits();
    runnersUp();
    measureInfluence();
    $(".ev-fill").textContent = number(current()[aimed()]);
  }
  for (const [name, able] of [["undo", position > 0], ["redo", position < steps.length], ["reset", position > 0]]) $(`[data-do="${name}"]`).disabled = !able;
  if ($(".ev-other").value === picture.name) $(".ev-other").value = others.find((name) => name !== picture.name);
  historyStrip();
  Object.assign(root.dataset, {
    ready: "yes", model: picture.model, picture: picture.name, grid: there ? `${cells().rows}x${cells().columns}` : "",
    steps: `${position}/${steps.length}`, selected: String(count()), busy: working ? "yes" : "no",
  });
  draw();
}

// For tests and for the curious: the picture as it is now, at its own size, the codes it is decoded from, and
// which cells are selected.
window.explorerEdit = {
  picture: () => now.toDataURL("image/png"),
  codes: () => Object.fromEntries(picture.levels.map((entry, i) => [entry.name, [...codesAt(position)[i]]])),
  selected: () => [...selection().keys()].filter((cell) => selection()[cell]),
};

const others = JSON.parse(props.examples);
$(".ev-other").replaceChildren(...others.map((name) => new Option(name)));
new ResizeObserver(() => draw()).observe(root);
onShared("model", takeModel);
onShared("picture", takePicture);
// A code chosen on the map of the codebook: ready to be set, with its neighbours as the palette.
onShared("pick", (text) => {
  picked = JSON.parse(text);
  if (picture) { takePicked(); show(); }
});
