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
  name.append(text("h3", "", `Code ${number(code)}`), text("span", "tv-fact", dead(code) ? "dead: no reference token has it" : "used"));
  head.append(swatch(code, 72, "cv-big"), name);
  const use = document.createElement("button");
  use.type = "button"; use.className = "tv-button"; use.textContent = "Use in Edit";
  use.onclick = () => { share("pick", JSON.stringify({ model: model.id, level: book().name, code })); openTab("Edit"); };
  const save = document.createElement("button");
  save.type = "button"; save.className = "tv-button"; save.textContent = "Save this page"; save.onclick = exportCode;
  head.append(use, save);
  near.className = "cv-near";
  section.replaceChildren(head, facts, near);
  try {
    const reply = await ask("code", { code });
    if (version !== codeVersion) return;
    near.append(text("h4", "", "Nearest codes"), row(reply.near, (i) => plain(reply.distances[i])));
    section.dataset.code = String(code);
  } catch (error) { if (version === codeVersion) say(error.message); }
}

function row(codes, label) {
  const strip = document.createElement("div");
  strip.className = "cv-strip";
  codes.forEach((code, i) => {
    const button = document.createElement("button");
    button.type = "button"; button.className = "ev-swatch"; button.title = `code ${code}`;
    button.append(swatch(code, 48), text("b", "", String(code)), text("small", "", label(i)));
    button.onclick = () => choose(code);
    strip.append(button);
  });
  return strip;
}

function text(tag, kind, words) { const found = document.createElement(tag); found.className = kind; found.textContent = words; return found; }

function openTab(title) { [...document.querySelectorAll('#main button[role="tab"]')].find((tab) => tab.textContent.trim() === title)?.click(); }
