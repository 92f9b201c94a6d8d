// ---- codebook and commitment -------------------------------------------------------------------------------
live.losses = (box) => {
  const begin = { z: [0.2, 0.45], codebook: [[-0.6, 0.5], [-0.5, -0.5], [0.65, -0.35], [0.6, 0.75], [0.05, -0.1]] };
  let codebook = structuredClone(begin.codebook), beta = 0.25, found = null;
  const words = make("div", "gv-about");
  const square = plane("A latent among five code vectors.", begin.z, () => pull(), (context, at, w, h, z) => {
    codebook.forEach((place, k) => dot(context, at(place), 6, found?.code === k ? SERIES[1] : GREY));
    if (found) {
      const e = codebook[found.code], add = (from, by) => [from[0] + by[0], from[1] + by[1]];
      arrow(context, at(e), at(add(e, found.vectors[found.code])), SERIES[1]);
      arrow(context, at(z), at(add(z, found.latent)), SERIES[0]);
    }
    dot(context, at(z), 5, SERIES[0]);
  });
  const pull = newest(box, async () => {
    found = await ask("pulls", { z: [...square.point], codebook, beta });
    square.redraw();
    words.replaceChildren(
      make("p", "", `codebook: ${found.losses.codebook.toFixed(4)}`), make("p", "", `${beta.toFixed(2)} × commitment: ${found.losses.commitment.toFixed(4)}`),
      make("p", "tv-fact", "blue: code vectors, the chosen one pulled to z by the codebook term; orange: z, pulled to its code vector by the commitment term; grey: not chosen, gradient 0"));
    words.dataset.code = found.code;
  });
  const step = button("One step", () => {
    if (!found) return;
    codebook = codebook.map((place, k) => [place[0] + 0.3 * found.vectors[k][0], place[1] + 0.3 * found.vectors[k][1]]);
    square.point[0] += 0.3 * found.latent[0]; square.point[1] += 0.3 * found.latent[1];
    pull();
  });
  const again = button("Start again", () => { codebook = structuredClone(begin.codebook); square.point[0] = begin.z[0]; square.point[1] = begin.z[1]; pull(); });
  const weigh = slider("β", 0, 2, 0.05, beta, (value) => value.toFixed(2), (value) => { beta = value; pull(); });
  box.append(make("div", "gv-two", "", square.canvas, make("div", "gv-about", "", weigh, make("div", "gv-row", "", step, again), words)));
  pull();
  return square.redraw;
};
