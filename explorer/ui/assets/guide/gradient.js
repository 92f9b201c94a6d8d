// ---- two routes past the argmin ----------------------------------------------------------------------------
live.gradient = (box) => {
  let seed = 0;
  const shown = make("div");
  const run = newest(box, async () => {
    const reply = await ask("gradient", { seed }), names = { none: "plain argmin", detach: "by detach", hook: "by hook" };
    const rows = Object.entries(names).map(([key, name]) => make("tr", key === "none" ? "" : "gv-winner", "", make("th", "", name),
      ...reply[key].map((value) => make("td", "", key === "none" && !value ? "0" : value.toExponential(4))), make("td", "", reply.norms[key] ? reply.norms[key].toFixed(5) : "0")));
    const head = make("tr", "", "", make("th", "", ""), ...reply.detach.map((_, i) => make("th", "", `∂L/∂w${"₀₁₂₃₄₅₆₇₈₉"[i + 1]}`)), make("th", "", "length"));
    shown.replaceChildren(make("div", "gv-scroll", "", make("table", "gv-table", "", make("thead", "", "", head), make("tbody", "", "", ...rows))),
      make("p", "gv-sum", `Largest difference between the two routes over all ${number(reply.numbers)} weights of the encoder: ${reply.difference === 0 ? "0, bit for bit" : reply.difference.toExponential(1)}. The plain argmin gives the encoder nothing.`));
    shown.dataset.difference = reply.difference;
  });
  box.append(shown, button("Other weights", () => { seed++; run(); }));
  run();
  return () => {};
};
