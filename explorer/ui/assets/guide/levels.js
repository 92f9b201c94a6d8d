// ---- residual stages in the plane --------------------------------------------------------------------------
live.levels = (box) => {
  let stages = 1, seed = 0, found = null, followed = 0;
  const words = make("div", "gv-about");
  const square = plane("Encoder outputs along two axes, quantized in stages.", [0.3, 0.3], () => { followed = found ? nearestTo(square.point, found.points) : 0; tell(); square.redraw(); }, (context, at) => {
    if (!found) return;
    context.globalAlpha = 0.35;
    for (const point of found.points) dot(context, at(point), 1.6, ink());
    context.globalAlpha = 0.7;
    const last = new Map(found.sums[stages - 1].map((place) => [place.join(), place]));
    for (const place of last.values()) dot(context, at(place), 3, SERIES[2]);
    context.globalAlpha = 1;
    let from = [0, 0];
    found.sums.forEach((sums, n) => { arrow(context, at(from), at(sums[followed]), SERIES[n % 2]); from = sums[followed]; });
    dot(context, at(found.points[followed]), 6, accent(), 2.5);
  });
  const tell = () => {
    if (!found) return;
    const values = new Set(found.sums[stages - 1].map((place) => place.join())).size;
    words.replaceChildren(
      make("p", "", `The point followed is coded ${found.codes.map((codes) => codes[followed]).join(" · ")}.`),
      make("p", "", `${stages} × 8 code vectors are learned, ${number(8 ** stages)} values are possible; these ${number(found.points.length)} points take ${number(values)} of them (green).`),
      make("p", "gv-sum", `mean squared distance: ${found.errors.map((error) => error.toPrecision(3)).join(" → ")}`));
    words.dataset.errors = found.errors.join();
  };
  const fit = newest(box, async () => {
    const wanted = stages, reply = await ask("stages", { stages: wanted, seed });
    if (wanted !== stages) return;
    found = reply; followed = nearestTo(square.point, found.points); tell(); square.redraw();
  });
  const count = slider("stages", 1, 5, 1, stages, (value) => String(value), (value) => { stages = value; found = null; fit(); });
  box.append(make("div", "gv-two", "", square.canvas, make("div", "gv-about", "", count, button("Fit from another start", () => { seed++; fit(); }), words)));
  fit();
  return square.redraw;
};
