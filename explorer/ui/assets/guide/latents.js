// ---- a point, a distribution, an entry of a table ----------------------------------------------------------
live.latents = (box) => {
  const table = [[-0.62, 0.55], [-0.1, 0.72], [0.55, 0.6], [-0.75, -0.1], [-0.2, 0.1], [0.3, 0.05], [0.8, -0.05], [-0.5, -0.65], [0.12, -0.55], [0.62, -0.62]];
  const sigma = 0.16, start = [0.42, 0.34];
  let noise = [0.6, -0.4];
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const moved = (point) => { for (const each of planes) { each.point[0] = point[0]; each.point[1] = point[1]; } noise = [normal(), normal()]; redraw(); };
  const planes = [
    plane("Autoencoder.", start, moved, (context, at, w, h, z) => { dot(context, at(z), 9, accent(), 2.5); dot(context, at(z), 4, ink()); }),
    plane("Variational autoencoder.", start, moved, (context, at, w, h, z) => {
      const [x, y] = at(z), reach = sigma * w / 2;
      for (const times of [1, 2]) { context.globalAlpha = 0.16; dot(context, [x, y], times * reach, accent()); context.globalAlpha = 1; }
      dot(context, at(z), 4, ink());
      dot(context, at([z[0] + sigma * noise[0], z[1] + sigma * noise[1]]), 9, accent(), 2.5);
    }),
    plane("VQ-VAE.", start, moved, (context, at, w, h, z) => {
      const step = 2;
      for (let x = 0; x < w; x += step) for (let y = 0; y < h; y += step) {
        const here = [2 * (x + step / 2) / w - 1, 1 - 2 * (y + step / 2) / h], k = nearestTo(here, table);
        context.fillStyle = SERIES[k % SERIES.length]; context.globalAlpha = k === nearestTo(z, table) ? 0.34 : 0.13;
        context.fillRect(x, y, step, step);
      }
      context.globalAlpha = 1;
      for (const place of table) dot(context, at(place), 3.5, ink());
      dot(context, at(z), 4, ink());
      arrow(context, at(z), at(table[nearestTo(z, table)]), ink());
      dot(context, at(table[nearestTo(z, table)]), 9, accent(), 2.5);
    }),
  ];
  const names = [["AE", "a point: what is said is what arrives"], ["VAE", "a distribution: mean at the dot, a draw from it arrives"], ["VQ-VAE", "an entry of a table: the nearest of ten arrives"]];
  box.append(make("div", "gv-three", "", ...planes.map(({ canvas }, i) => make("figure", "", "", make("h4", "", names[i][0]), canvas, make("figcaption", "", names[i][1])))));
  box.append(button("Draw new noise", () => { noise = [normal(), normal()]; redraw(); }));
  const redraw = () => planes.forEach((each) => each.redraw());
  return redraw;
};
