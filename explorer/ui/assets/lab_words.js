// ---- words --------------------------------------------------------------------------------------------------

const TOKENS = lab === "points" ? "1,024 points" : "2,048 cells";
const COLLAPSED = 0.25;   // of the codes: with fewer in use, the words say collapse
const codesOf = (i) => sides[i].kind === "finite_scalar" ? given.fsq[plan.size] : plan.size;
const usedOf = (i) => readings[i].at(-1)[2];
const nameOf = (i) => {
  const on = i ? (beside ? [beside] : []) : [...cures];
  if (on.includes("fsq")) return "FSQ";
  return ["VQ", ...on.map((cure) => CURES.get(cure).title)].join(" + ");
};
const plane = (i) => sides[i].dim > 2 ? `${sides[i].dim} dimensions, projected onto the two in which the outputs vary most (${Math.round(100 * sides[i].explained)} % of their variance)` : "";

function look() {
  $(".lb-run").textContent = running ? "❚❚ Pause" : step ? "▶ Go on" : "▶ Run";
  $(".lb-run").setAttribute("aria-pressed", String(running));
  $('[data-do="step"]').disabled = running || step >= most;
  const rate = speeds.length > 3 && running ? ` · ${Math.round(1000 * (speeds.length - 1) / (speeds.at(-1) - speeds[0]))} frames/s` : "";
  const others = training > 1 && running ? ` · ${training} runs share one core` : "";
  $(".lb-status").textContent = `step ${number(step)}${rate}${others}`;
  if (!sides[0]) return;
  SIDES.forEach((_, i) => figures(i));
  $(".lb-conclusion").textContent = conclusion();
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

function conclusion() {
  if (!step) return `Both start from the same network and see the same ${lab === "points" ? "points" : "pictures"} in the same order; only the quantizer differs. Press Run.`;
  const told = SIDES.map((_, i) => `${nameOf(i)} uses ${number(usedOf(i))} of ${number(codesOf(i))} codes`);
  const fallen = SIDES.map((_, i) => step >= 50 && usedOf(i) < COLLAPSED * codesOf(i));
  const verdict = fallen[0] && fallen[1] ? "Both have collapsed: most codes are chosen by nothing, so no gradient ever moves them." :
    fallen[0] ? "The left one has collapsed: what is not chosen gets no gradient, stays where it is, and is never chosen." :
    fallen[1] ? "The right one has collapsed: what is not chosen gets no gradient and stays where it is." : "";
  return `After ${number(step)} steps, counted over ${TOKENS}: ${told.join("; ")}. ${verdict}`;
}
