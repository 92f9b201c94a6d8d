// ---- figures -----------------------------------------------------------------------------------------------

const plainly = (value, digits) => value == null ? "" : value.toFixed(digits);
const COLUMNS = [
  ["", (entry) => entry.title],
  ["PSNR, dB", (entry) => plainly(entry.psnr, 2)],
  ["SSIM", (entry) => plainly(entry.ssim, 3)],
  ["bits per pixel", (entry) => plainly(entry.bits_per_pixel, 3)],
  ["entropy-coded", (entry) => plainly(entry.bits_per_pixel_entropy_coded, 3)],
  ["bytes", (entry) => entry.bytes == null ? "" : number(entry.bytes)],
  ["codes", (entry) => entry.tokens ? number(entry.tokens) : ""],
  ["distinct (ceiling)", (entry) => entry.tokens ? `${number(entry.distinct)} (${number(entry.ceiling)})` : ""],
  ["coded at", (entry) => entry.coded_at ? `${entry.coded_at[1]} × ${entry.coded_at[0]}` : entry.quality ? `quality ${entry.quality}, ${number(100 * entry.scale)} %` : ""],
  ["ms, once", (entry) => plainly(entry.milliseconds, 0)],
];

const measured = () => result?.entries.slice(1) ?? [];

function table() {
  const row = (tag, cells) => make("tr", "", "", ...cells.map((words) => make(tag, "", words)));
  $(".mv-table").hidden = !measured().length;
  $(".mv-table thead").replaceChildren(row("th", COLUMNS.map(([name]) => name)));
  $(".mv-table tbody").replaceChildren(...measured().map((entry) => row("td", COLUMNS.map(([, of]) => of(entry)))));
}

// All figures as they came, unrounded.
function csv() {
  const keys = [...new Set(measured().flatMap((entry) => Object.keys(entry)))].filter((key) => !["picture", "map", "error", "images", "level"].includes(key));
  const quoted = (value) => { const words = Array.isArray(value) ? value.join(" x ") : String(value ?? ""); return /[",\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words; };
  return [keys.join(","), ...measured().map((entry) => keys.map((key) => quoted(entry[key])).join(","))].join("\n") + "\n";
}

$('[data-do="csv"]').onclick = () => download(new Blob([csv()], { type: "text/csv" }), result.name, "compared.csv");

// ---- wiring ------------------------------------------------------------------------------------------------

$(".mv-equal").onchange = (event) => { equal = event.target.checked; ask(); };
for (const button of $$("[data-zoom]")) button.onclick = () => {
  if (button.dataset.zoom === "reset") { view = { zoom: 1, x: 0.5, y: 0.5 }; limited(); } else zoom(button.dataset.zoom === "in" ? 1.5 : 1 / 1.5);
};
onShared("picture", (text) => {
  const page = JSON.parse(text);
  picture = page.original ? `${page.name}/${page.width}x${page.height}/${page.sha256}` : "";
  root.dataset.original = picture ? "yes" : "no";
  if (!picture) { result = null; asked = ""; }
  complain("");
  withOwn(page.model);
  look();
  ask();
});
watch("result", take);
new ResizeObserver(() => { for (const draw of canvases.values()) draw(); ask(); }).observe(root);
look();
onShared("models", (text) => {
  models = JSON.parse(text);
  chosen = chosen.filter((id) => models.some((model) => model.id === id));
  look();
});
