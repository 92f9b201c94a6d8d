// ---- words --------------------------------------------------------------------------------------------------

const TOKENS = lab === "points" ? "1,024 points" : "2,048 cells";
const COLLAPSED = 0.25;   // of the codes: with fewer in use, the words say collapse
const codesOf = (i) => sides[i].kind === "finite_scalar" ? given.fsq[plan.size] : plan.size;
const usedOf = (i) => readings[i].at(-1)[2];
const curesOf = (i) => i ? (beside ? [beside] : []) : [...cures];
const nameOf = (i) => curesOf(i).includes("fsq") ? "FSQ" : ["VQ", ...curesOf(i).map((cure) => CURES.get(cure).title)].join(" + ");

function look() {
  $(".lb-run").textContent = running ? "❚❚ Pause" : step ? "▶ Go on" : "▶ Run";
  $(".lb-run").setAttribute("aria-pressed", String(running));
  $('[data-do="step"]').disabled = running || step >= most;
  const rate = speeds.length > 3 && running ? ` · ${Math.round(1000 * (speeds.length - 1) / (speeds.at(-1) - speeds[0]))} frames/s` : "";
  const others = training > 1 && running ? ` · ${training} runs share one core` : "";
  $(".lb-status").textContent = `step ${number(step)}${rate}${others}`;
  if (!sides[0]) return;
  SIDES.forEach((_, i) => figures(i));
  conclude();
  drawCurves();
  drawSides();
}

function figures(i) {
  const side = $(`.lb-side[data-side="${SIDES[i]}"]`), [, loss, used, perplexity] = readings[i].at(-1), size = codesOf(i);
  side.querySelector(".lb-name").textContent = nameOf(i);
  list(side.querySelector(".lb-figures"), [
    ["used", `${number(used)} of ${number(size)} codes`], ["perplexity", number(perplexity, 1)], ["error", errorText(loss)],
  ]);
  side.querySelectorAll("canvas").forEach((canvas) => canvas.setAttribute("aria-label", `${nameOf(i)}, ${canvas.dataset.what}: ${number(used)} of ${number(size)} codes used by ${TOKENS} at step ${number(step)}`));
  captions(side, i);
}
const errorText = (loss) => `${number(100 * loss, loss < 0.1 ? 1 : 0)} % of variance`;

function conclude() {
  $(".lb-told").textContent = told();
  // Read out by a screen reader whenever it changes, which is seldom.
  if ($(".lb-verdict").textContent !== verdict()) $(".lb-verdict").textContent = verdict();
}

function told() {
  if (!step) return `Both start from the same network and see the same ${lab === "points" ? "points" : "pictures"} in the same order; only the quantizer differs. Press Run.`;
  return `After ${number(step)} steps, counted over ${TOKENS}: ${SIDES.map((_, i) => `${nameOf(i)} uses ${number(usedOf(i))} of ${number(codesOf(i))} codes`).join("; ")}.`;
}

// Why, where most codes are unused.
function verdict() {
  return SIDES.map((side, i) => {
    if (step < 50 || usedOf(i) >= COLLAPSED * codesOf(i)) return "";
    if (curesOf(i).includes("fsq")) return `The ${side} one uses little of its grid so far; nothing in it can be left behind.`;
    if (curesOf(i).includes("entropy")) return `The ${side} one has collapsed: most codes are chosen by nothing.`;
    return `The ${side} one has collapsed: a code that nothing chooses gets no gradient, stays where it is, and goes on being chosen by nothing.`;
  }).join(" ").trim();
}
