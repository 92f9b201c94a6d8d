// ---- Gumbel-softmax at a temperature -----------------------------------------------------------------------
live.gumbel = (box) => {
  let log = 0, seed = 1;
  const temperature = () => 10 ** log, chooser = cells("The picture in cells.", () => draw()), bars = make("div", "gv-bars"), words = make("p", "tv-fact");
  const heat = slider("temperature τ", -1.5, 1, 0.05, log, (value) => (10 ** value).toFixed(2), (value) => { log = value; draw(); });
  box.append(make("div", "gv-two", "", chooser.canvas, make("div", "gv-about", "", heat, button("New noise", () => { seed++; draw(); }), bars, words)));
  const bar = (label, image, chance, weight) => {
    const fill = (kind, share) => { const found = make("i", kind); found.style.width = `${100 * share}%`; return found; };
    return make("div", "gv-bar", "", image, make("span", "", label), make("span", "gv-track", "", fill("gv-chance", chance), fill("gv-weight", weight)), make("span", "gv-number", `${(100 * weight).toFixed(1)} %`));
  };
  const draw = newest(box, async () => {
    await openingInto(chooser, 7, 18);   // a cell of which the encoder is not sure
    const { row, column } = chooser.state, reply = await ask("gumbel", { row, column, temperature: temperature(), seed });
    const rest = 1 - reply.probabilities.reduce((sum, value) => sum + value, 0);
    bars.replaceChildren(...reply.codes.map((code, i) => bar(number(code), small(reply.swatches[i], 20), reply.probabilities[i], reply.weights[i])), bar("all others", make("span"), rest, reply.rest));
    words.textContent = `Grey: probability without noise; coloured: weight in this draw. Most weight: code ${number(reply.largest[0])} with ${(100 * reply.largest[1]).toFixed(1)} %. KL to even use: ${reply.kl.toFixed(2)} nats.`;
    bars.dataset.largest = reply.largest[1];
  });
  draw();
  return () => chooser.redraw();
};
