// ---- usage by rank of the shipped models -------------------------------------------------------------------
live.collapse = (box) => {
  const canvas = make("canvas", "gv-curve"), legend = make("ul", "gv-legend");
  let models = [];
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", "Share of tokens by rank of the code, one line per model, both axes in powers of ten.");
  const redraw = () => {
    const fitted = fitCanvas(canvas);
    if (!fitted || !models.length) return;
    const { context, width, height } = fitted, left = 66, right = 22, bottom = 30, most = Math.max(...models.map((model) => model.size));
    const high = Math.max(...models.map((model) => model.shares[0])), low = Math.min(...models.map((model) => 0.2 / model.tokens));
    const x = (rank) => left + (width - left - right) * Math.log(rank) / Math.log(most), y = (share) => 8 + (height - bottom - 8) * Math.log(high / share) / Math.log(high / low);
    context.font = "12px system-ui, sans-serif"; context.fillStyle = ink(); context.strokeStyle = faint(); context.lineWidth = 1;
    for (let power = 0; 10 ** power <= most; power++) { context.beginPath(); context.moveTo(x(10 ** power), 8); context.lineTo(x(10 ** power), height - bottom); context.stroke(); context.textAlign = "center"; context.fillText(number(10 ** power), x(10 ** power), height - bottom + 15); }
    for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power++) { context.beginPath(); context.moveTo(left, y(10 ** power)); context.lineTo(width - right, y(10 ** power)); context.stroke(); context.textAlign = "right"; context.fillText(`${100 * 10 ** power >= 1 ? 100 * 10 ** power : Number((100 * 10 ** power).toPrecision(1))} %`, left - 6, y(10 ** power) + 4); }
    context.textAlign = "right"; context.fillText("code, by rank", width - right, height - 2);
    models.forEach((model, i) => {
      context.strokeStyle = COLOURS[i % COLOURS.length]; context.lineWidth = 2.5;
      context.beginPath();
      model.ranks.forEach((rank, j) => { if (model.shares[j]) context.lineTo(x(rank), y(model.shares[j])); });
      context.stroke();
      context.lineWidth = 1; context.setLineDash([5, 4]); context.beginPath(); context.moveTo(x(1), y(1 / model.size)); context.lineTo(x(model.size), y(1 / model.size)); context.stroke(); context.setLineDash([]);
    });
  };
  const load = newest(box, async () => {
    ({ models } = await ask("usage"));
    legend.replaceChildren(...models.map((model, i) => {
      const key = make("i"); key.style.background = COLOURS[i % COLOURS.length];
      return make("li", "", "", key, document.createTextNode(`${model.title}: ${number(model.used)} of ${number(model.size)} codes used in ${number(model.tokens)} tokens (ceiling ${number(100 * model.ceiling, 1)} %), perplexity ${number(model.perplexity)}`));
    }));
    redraw();
  });
  box.append(canvas, legend);
  load();
  return redraw;
};
