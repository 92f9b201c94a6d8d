// ---- saving, links, reloads, and pictures that were left ---------------------------------------------------

const KEPT = "codebook-explorer-edit", GONE = "gone", AT_ONCE = 20, PICTURES_KEPT = 8;

// The saved edit: the codes before the first edit, and the edits of so many steps.
function saved(until = position) {
  return {
    codebook_explorer_edit: 1, name: picture.name, picture: picture.sha256 ?? "", start: codesFile(picture),
    edits: steps.slice(0, until).flatMap(({ edits }) => edits),
  };
}

function save() { download(new Blob([JSON.stringify(saved())], { type: "application/json" }), picture.name, "edit.json"); }

async function link() {
  const url = `${location.origin}${location.pathname}#edit=${await squeezed(JSON.stringify(saved()))}`;
  root.dataset.link = url;
  try { await navigator.clipboard.writeText(url); say("The link is copied. Whoever opens it sees this picture, edit by edit.", true); }
  catch { linked = kept(); history.replaceState(history.state, "", url); say("The link is in the address bar now; copy it from there.", true); }
}

// Replay a saved edit, until so many of its edits are done. Where it starts from another picture than the one
// that is shown, the page is asked for that first; the edits follow when it arrives.
let replaying = null, earlier = null;              // earlier: the edit from before a reload, while another picture is shown
function open(text, done = Infinity) {
  try { replaying = { edit: JSON.parse(text), done }; } catch { return say("This file is not JSON, so it is no saved edit."); }
  if (replayed()) return;
  props.value = text;
  trigger("open");
}

function startsHere(wanted) {
  const start = wanted?.edit?.start;
  return Array.isArray(wanted?.edit?.edits) && start?.model === picture.model && start.revision === picture.revision
    && picture.levels.every((entry) => String(start.levels?.[entry.name]?.codes) === String(entry.codes));
}

function replayed() {
  const wanted = [replaying, earlier].find(startsHere);
  if (!wanted) return false;
  if (wanted === earlier) earlier = null;
  replaying = null;
  enqueue(async () => {
    const own = { steps, position };
    moveTo(0);
    steps = [];
    try { await replay(wanted); }
    catch (error) { moveTo(0); ({ steps } = own); moveTo(own.position); throw error; }
  });
  return true;
}

async function replay({ edit, done }) {
  const version = pictureVersion;
  for (let from = 0; from < edit.edits.length; from += AT_ONCE) {
    say(`Replaying edit ${from + 1} of ${edit.edits.length} …`, true);
    const part = edit.edits.slice(from, from + AT_ONCE);
    const reply = await ask("replay", { edits: part }).catch((error) => { throw new Error(from ? `After ${from} edits: ${error.message}` : error.message); });
    const images = await Promise.all(reply.steps.map(drawn));
    if (version !== pictureVersion) return;
    reply.steps.forEach((change, i) => { if (!add({ edits: [part[i]], label: wordsOf(part[i]) }, change, images[i]) && from + i < done) done--; });
    show();
  }
  moveTo(Math.min(done, steps.length));
  say(`Replayed ${edit.edits.length} edit${edit.edits.length === 1 ? "" : "s"}${edit.name ? ` of ${edit.name}` : ""}.`, true);
}

function wordsOf(edit) {
  switch (edit.kind) {
    case "write": return edit.codes.length === 1 ? `code ${edit.codes[0]}` : `${number(edit.codes.length)} codes written`;
    case "replace": return `${edit.old} → ${edit.new}`;
    case "set_digit": return `digit ${edit.channel + 1} = ${edit.digit}`;
    case "randomize": return "random";
    default: return "from the marginal";
  }
}

// A reload keeps the steps, undone ones too. What the browser refuses to keep is said to be gone.
const kept = () => !steps.length ? null : JSON.stringify({ edit: saved(steps.length), done: steps.slice(0, position).flatMap(({ edits }) => edits).length });
let linked = null;                                // what the address bar's link stands for
function remember() {
  if (!picture || !coded()) return;
  const own = kept(), state = own ?? (earlier && JSON.stringify(earlier));
  share("edit", own ? JSON.stringify(saved()) : "");
  if (location.hash.startsWith("#edit=")) {
    linked ??= own;
    if (linked !== own) { linked = null; history.replaceState(history.state, "", location.pathname + location.search); }
  }
  try {
    try { if (state) sessionStorage.setItem(KEPT, state); else sessionStorage.removeItem(KEPT); }
    catch { sessionStorage.setItem(KEPT, GONE); }
  } catch { /* a browser without storage forgets on reload */ }
}

// Whoever has chosen another picture since the reload keeps that; the edit waits until its own is chosen again.
let restored = false;
function restoreOnce() {
  if (restored) return false;
  restored = true;
  const hash = new URLSearchParams(location.hash.slice(1)).get("edit");
  let found = null;
  try { found = sessionStorage.getItem(KEPT); } catch { /* as above */ }
  if (hash) unsqueezed(hash).then(open, () => say("This link is damaged: it holds no edit that can be read."));
  else if (found === GONE) say("The edit was too large for this browser to keep over a reload, so it is gone. Save it next time.");
  else if (found && asOpened("picture")) { const { edit, done } = JSON.parse(found); open(JSON.stringify(edit), done); }
  else if (found) {
    earlier = JSON.parse(found);
    if (replayed()) return true;
    say(`Your edit of ${earlier.edit.name} is kept: it comes back when you choose that picture and the same model again.`, true);
  }
  return Boolean(hash || (found && found !== GONE && !earlier));
}
$(".ev-load").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (file) open(await file.text());
  event.target.value = "";
});

// Whoever goes to another picture, to copy from it or to look, finds the edits again on coming back.
let left = [];
function leave() {
  if (!steps.length) return;
  left = left.filter((other) => !startsAlike(other.picture)).slice(1 - PICTURES_KEPT);
  left.push({ picture, steps, position });
}
const startsAlike = (other) => other.model === picture.model && other.revision === picture.revision && other.width === picture.width
  && other.levels.every((entry, i) => String(entry.codes) === String(picture.levels[i].codes));
function comeBack() {
  const found = left.find((other) => startsAlike(other.picture));
  if (!found) return;
  ({ steps } = found);
  moveTo(found.position);
  say(`Your ${number(steps.length)} edit${steps.length > 1 ? "s" : ""} of ${picture.name} ${steps.length > 1 ? "are" : "is"} still here; Reset shows the picture without ${steps.length > 1 ? "them" : "it"}.`, true);
}
