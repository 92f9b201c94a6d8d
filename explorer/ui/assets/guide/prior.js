// ---- why a second stage: cells drawn one by one, without looking at each other ------------------------------
live.prior = (box) => {
  let seed = 0;
  const real = new Image(), drawn = new Image();
  real.alt = "The picture decoded from its own codes"; drawn.alt = "A picture decoded from codes that were drawn independently";
  const figure = (image, words) => make("figure", "", "", image, make("figcaption", "", words));
  const draw = newest(box, async () => {
    const reply = await ask("prior", { seed });
    real.src = reply.real; drawn.src = reply.drawn;
  });
  box.append(make("div", "gv-pair", "", figure(real, "1,024 codes of a photograph, decoded"), figure(drawn, "1,024 codes, each drawn by how often it occurs in held-out pictures")), button("Draw again", () => { seed++; draw(); }));
  draw();
  return () => {};
};
