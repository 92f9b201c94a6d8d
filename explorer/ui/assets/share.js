// Sharing what the page shows: as a link, as a small file, or as one HTML file to look at.
const FORMAT = 1;

let picture = null, model = null, edit = "", code = null;
onShared("picture", (text) => { picture = readPicture(text); edit = ""; arrived(); });
onShared("model", (text) => { model = JSON.parse(text); });
onShared("edit", (text) => { edit = text; });
onShared("code", (text) => { code = JSON.parse(text); });

const say = (text) => { $(".sv-message").textContent = text; };
const tab = () => tabs().find((each) => each.getAttribute("aria-selected") === "true")?.textContent.trim() ?? "";
const chosen = (id) => document.querySelector(`#${id} input:checked`)?.value;
const example = () => document.querySelector('#examples [aria-pressed="true"]')?.dataset.name;

// What the page shows. Of a picture that is no example its codes, so that whoever opens it needs neither picture nor encoder.
function state() {
  const shown = { codebook_explorer_page: FORMAT, model: picture.model, revision: picture.revision, name: picture.name, tab: tab(), size: Number(chosen("size")), how: chosen("fit") };
  if (picture.sha256) shown.sha256 = picture.sha256;
  if (code && code.code !== null && code.model === picture.model) Object.assign(shown, { level: code.level, code: code.code });
  if (example() !== picture.name) {
    if (!picture.levels.length) throw new Error("This model keeps floats, so a picture of your own can't be shared by its codes. Choose a model with codes, or save a report.");
    shown.codes = codesFile(picture);
  }
  return shown;
}

async function link() {
  const page = edit ? {} : state(), text = edit ? `edit=${await squeezed(edit)}` : `page=${await squeezed(JSON.stringify(page))}`;
  const carried = page.codes ? "It carries the codes of your picture, not the picture." : "Whoever opens it sees this page.";
  const url = `${location.origin}${location.pathname}#${text}`;
  root.dataset.link = url;
  try { await navigator.clipboard.writeText(url); say(`The link is copied. ${carried}`); }
  catch { history.replaceState(history.state, "", url); say("The link is in the address bar now; copy it from there."); }
}

function file() {
  download(new Blob([edit || JSON.stringify(state())], { type: "application/json" }), picture.name, edit ? "edit.json" : "page.json");
  say(edit ? "Saved with its edits; open it in the Edit tab." : "Saved; open it with Load codes.");
}

$('[data-do="link"]').onclick = () => link().catch((error) => say(error.message));
$('[data-do="file"]').onclick = () => { try { file(); } catch (error) { say(error.message); } };

// ---- a link that was opened ----------------------------------------------------------------------------------

let wanted = null;
async function opened() {
  const text = new URLSearchParams(location.hash.slice(1)).get("page");
  if (!text) return;
  try { wanted = JSON.parse(await unsqueezed(text)); } catch { return say("This link is damaged: it holds no page that can be read."); }
  props.value = JSON.stringify(wanted);
  trigger("open");
}

function arrived() {
  if (!wanted || picture.model !== wanted.model || picture.name !== wanted.name) return;
  const { model: id, level, code: index, tab: title } = wanted;
  wanted = null;
  openTab(title);
  history.replaceState(history.state, "", location.pathname + location.search);
  if (Number.isInteger(index)) setTimeout(() => share("code", JSON.stringify({ model: id, level, code: index, from: "link" })), 300);
}

window.addEventListener("hashchange", opened);
opened();
