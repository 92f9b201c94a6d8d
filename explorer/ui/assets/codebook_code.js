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
    section.replaceChildren(make("p", "cv-hint", "Click a code to see what is known of it."));
    return;
  }
  const code = chosen, facts = make("dl"), near = make("div", "cv-near"), big = swatch(code, 72, "cv-big");
  const name = make("div", "", "", make("h3", "", `Code ${number(code)}`), make("span", "tv-fact", !book().counts ? "" : never(code) ? "dead: no reference token has it" : dead(code) ? `dead: at most ${number(atMost)} reference tokens have it` : "used"));
  const use = button("Use in Edit", () => { share("pick", JSON.stringify({ level: book().name, code })); openTab("Edit"); });
  list(facts, factsOf(code));
  section.replaceChildren(make("div", "cv-code-head", "", big, name, use, button("Save this page", exportCode)), facts, near);
  try {
    const reply = await ask("code", { code });
    if (version !== codeVersion) return;
    near.append(make("h4", "", "Nearest codes"), row(reply.near, (i) => plain(reply.distances[i]), reply.swatches?.slice(1)));
    if (reply.swatches?.length) paintOver(big, reply.swatches[0]);
    if (reply.patches) section.append(patchesOf(reply, code));
    if (reply.patches && !never(code)) section.append(besideOf(reply.beside), positionsOf(reply.positions));
    section.dataset.code = String(code);
  } catch (error) { if (version === codeVersion) complain(error.message); }
}

// urls: pictures of the codes where they came without the sheet of all.
function row(codes, label, urls) {
  return make("div", "cv-strip", "", ...codes.map((code, i) => {
    const picture = swatch(code, 48);
    if (urls?.[i]) paintOver(picture, urls[i]);
    const found = plainButton("", () => choose(code), picture, make("b", "", String(code)), make("small", "", label(i)));
    return Object.assign(found, { className: "ev-swatch", title: `code ${code}` });
  }));
}

// A button without the looks of one, some parts before its words.
function plainButton(words, act, ...parts) {
  const found = make("button", "", "", ...parts, words);
  return Object.assign(found, { type: "button", onclick: act });
}

const titled = (kind, title, ...parts) => make("div", kind, "", make("h4", "", title), ...parts);

// Patches of held-out pictures that have the code, the cell framed.
function patchesOf({ patches }, code) {
  const strip = make("div", "cv-patches", "", ...patches.map((patch) => {
    const image = Object.assign(new Image(), { src: patch.picture, alt: `part of ${patch.name}` }), frame = make("i");
    frame.style.inset = `${100 * patch.margin / 24}%`;
    const cost = patch.quantile ? `${plain(patch.cost)} (${Math.round(100 * patch.quantile)} %)` : plain(patch.cost);
    const figure = make("span", "", "", make("span", "cv-patch", "", image, frame), make("small", "", cost));
    return Object.assign(figure, { title: `${patch.name}, row ${patch.row}, column ${patch.column}` });
  }));
  if (!patches.length) strip.append(make("p", "cv-hint", dead(code) ? "No patch of the held-out pictures has it." : "None was kept."));
  return titled("cv-wide", "Patches that have it, best fit first; distance (and its quantile)", strip);
}

function besideOf(beside) {
  const sides = Object.entries(beside).filter(([, found]) => found.codes.length).map(([side, found]) =>
    make("div", "cv-side", "", make("small", "", side), row(found.codes, (i) => `× ${plain(found.lifts[i])}`)));
  if (!sides.length) sides.push(make("p", "cv-hint", "Nothing was seen beside it."));
  return titled("cv-wide", "Beside it in pictures; how many times as often as by chance", ...sides);
}

// Where in pictures the code stands: bright is often.
function positionsOf(rows) {
  const counts = rows.flat(), most = Math.max(...counts);
  const small = cellPicture({ rows: rows.length, columns: rows[0].length }, counts.map((count) => Math.round(255 * count / Math.max(1, most))), model.heat);
  small.className = "cv-positions";
  return titled("", `Where in pictures; brightest: ${number(most)} times`, small);
}
