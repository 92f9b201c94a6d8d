// ---- one code -----------------------------------------------------------------------------------------------

let codeVersion = 0;

function choose(code, quietly = false) {
  chosen = code;
  root.dataset.chosen = code === null ? "" : String(code);
  if (!quietly) share("code", JSON.stringify({ model: model.id, level: book().name, code, from: "codebook" }));
  showCode();
  draw();
}

async function showCode() {
  const section = $(".cv-code"), version = ++codeVersion;
  section.hidden = !coded();
  if (!coded()) return;
  if (chosen === null) {
    section.replaceChildren(text("p", "cv-hint", "Click a code to see what is known of it."));
    return;
  }
  const code = chosen, facts = document.createElement("dl"), head = document.createElement("div"), near = document.createElement("div");
  list(facts, factsOf(code));
  head.className = "cv-code-head";
  const name = document.createElement("div");
  name.append(text("h3", "", `Code ${number(code)}`), text("span", "tv-fact", !book().counts ? "" : dead(code) ? "dead: no reference token has it" : "used"));
  head.append(swatch(code, 72, "cv-big"), name);
  const use = document.createElement("button");
  use.type = "button"; use.className = "tv-button"; use.textContent = "Use in Edit";
  use.onclick = () => { share("pick", JSON.stringify({ level: book().name, code })); openTab("Edit"); };
  const save = document.createElement("button");
  save.type = "button"; save.className = "tv-button"; save.textContent = "Save this page"; save.onclick = exportCode;
  head.append(use, save);
  near.className = "cv-near";
  section.replaceChildren(head, facts, near);
  try {
    const reply = await ask("code", { code });
    if (version !== codeVersion) return;
    near.append(text("h4", "", "Nearest codes"), row(reply.near, (i) => plain(reply.distances[i]), reply.swatches?.slice(1)));
    if (reply.swatches?.length) paintOver(head.querySelector("canvas"), reply.swatches[0]);
    if (reply.patches) section.append(patchesOf(reply, code), besideOf(reply.beside), positionsOf(reply.positions));
    section.dataset.code = String(code);
  } catch (error) { if (version === codeVersion) say(error.message); }
}

function paintOver(canvas, url) {
  loadImage(url).then((image) => canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height));
}

// urls: pictures of the codes where they came without the sheet of all.
function row(codes, label, urls) {
  const strip = document.createElement("div");
  strip.className = "cv-strip";
  codes.forEach((code, i) => {
    const button = document.createElement("button");
    button.type = "button"; button.className = "ev-swatch"; button.title = `code ${code}`;
    const picture = swatch(code, 48);
    if (urls?.[i]) paintOver(picture, urls[i]);
    button.append(picture, text("b", "", String(code)), text("small", "", label(i)));
    button.onclick = () => choose(code);
    strip.append(button);
  });
  return strip;
}

function text(tag, kind, words) { const found = document.createElement(tag); found.className = kind; found.textContent = words; return found; }

function titled(kind, title, ...parts) { const part = document.createElement("div"); part.className = kind; part.append(text("h4", "", title), ...parts); return part; }

// Patches of held-out pictures that have the code, the cell framed.
function patchesOf({ patches }, code) {
  const strip = document.createElement("div");
  strip.className = "cv-patches";
  for (const patch of patches) {
    const figure = document.createElement("span"), image = new Image(), frame = document.createElement("i");
    image.src = patch.picture; image.alt = `part of ${patch.name}`;
    figure.title = `${patch.name}, row ${patch.row}, column ${patch.column}`;
    frame.style.inset = `${100 * patch.margin / 24}%`;
    const picture = document.createElement("span");
    picture.className = "cv-patch"; picture.append(image, frame);
    figure.append(picture, text("small", "", patch.quantile ? `${plain(patch.cost)} (${Math.round(100 * patch.quantile)} %)` : plain(patch.cost)));
    strip.append(figure);
  }
  if (!patches.length) strip.append(text("p", "cv-hint", dead(code) ? "No patch of the held-out pictures has it." : "None was kept."));
  return titled("cv-wide", "Patches that have it, best fit first; distance (and its quantile)", strip);
}

function besideOf(beside) {
  const sides = Object.entries(beside).filter(([, found]) => found.codes.length).map(([side, found]) => {
    const part = document.createElement("div");
    part.className = "cv-side";
    part.append(text("small", "", side), row(found.codes, (i) => `× ${plain(found.lifts[i])}`));
    return part;
  });
  if (!sides.length) sides.push(text("p", "cv-hint", "Nothing was seen beside it."));
  return titled("cv-wide", "Beside it in pictures; how many times as often as by chance", ...sides);
}

// Where in pictures the code stands: bright is often.
function positionsOf(rows) {
  const small = document.createElement("canvas"), most = Math.max(1, ...rows.flat());
  small.width = rows[0].length; small.height = rows.length; small.className = "cv-positions";
  const context = small.getContext("2d");
  rows.forEach((counts, r) => counts.forEach((count, c) => {
    const at = 3 * Math.round(255 * count / most), s = model.heat;
    context.fillStyle = `rgb(${s[at]},${s[at + 1]},${s[at + 2]})`;
    context.fillRect(c, r, 1, 1);
  }));
  return titled("", `Where in pictures; brightest: ${number(Math.max(...rows.flat()))} times`, small);
}
