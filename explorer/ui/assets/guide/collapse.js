// ---- usage by rank of the shipped models -------------------------------------------------------------------
live.collapse = (box) => {
  const canvas = make("canvas", "gv-curve"), legend = make("ul", "ch-legend");
  let models = [];
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", "Share of tokens by rank of the code, one line per model, both axes in powers of ten.");
  const percent = (share) => `${100 * share >= 1 ? Math.round(100 * share) : Number((100 * share).toPrecision(1))} %`;
  const redraw = () => {
    if (!models.length) return;
    const ranks = [1, Math.max(...models.map((model) => model.size))];
    const shares = [Math.min(...models.map((model) => 0.2 / model.tokens)), Math.max(...models.map((model) => model.shares[0]))];
    const chart = chartOn(canvas, { span: ranks, log: true, ticks: powersOf(10, ranks), title: "code, by rank" }, { span: shares, log: true, ticks: powersOf(10, shares), text: percent });
    models.forEach((model, i) => {
      const colour = SERIES[i % SERIES.length];
      chart?.line(model.ranks.map((rank, j) => [rank, model.shares[j]]).filter(([, share]) => share), colour, { width: 2.5 });
      chart?.line([[1, 1 / model.size], [model.size, 1 / model.size]], colour, { width: 1, dash: [5, 4] });
    });
  };
  const load = newest(box, async () => {
    ({ models } = await ask("usage"));
    legend.replaceChildren(...legendOf(models.map((model, i) => [
      `${model.title}: ${number(model.used)} of ${number(model.size)} codes used in ${number(model.tokens)} tokens (ceiling ${number(100 * model.ceiling, 1)} %), perplexity ${number(model.perplexity)}`,
      SERIES[i % SERIES.length],
    ])));
    redraw();
  });
  box.append(canvas, legend);
  load();
  return redraw;
};
