// ---- FSQ: the cube and its arithmetic ----------------------------------------------------------------------
live.fsq = (box) => {
  const z = [0.4, -0.7, 1.1], canvas = make("canvas", "gv-plane"), words = make("div", "gv-about");
  let found = null, yaw = 0.62, pitch = 0.42;
  const project = ([a, b, c], size) => {
    const x = a * Math.cos(yaw) - b * Math.sin(yaw), depth = a * Math.sin(yaw) + b * Math.cos(yaw), scale = size / 3.7;
    return [size / 2 + scale * x, size / 2 - scale * (c * Math.cos(pitch) - depth * Math.sin(pitch))];
  };
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", "The cube of all codes; dragging turns it.");
  canvas.onpointerdown = (event) => canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (event) => { if (canvas.hasPointerCapture(event.pointerId)) { yaw += event.movementX / 120; pitch = Math.max(0, Math.min(1.4, pitch + event.movementY / 120)); redraw(); } };
  const redraw = () => {
    const fitted = fitCanvas(canvas);
    if (!fitted || !found) return;
    const { context, width } = fitted, half = found.levels.map((level) => Math.floor(level / 2)), at = (place) => project(place.map((value, i) => value / half[i]), width);
    context.strokeStyle = faint(); context.lineWidth = 1;
    const corners = [-1, 1];
    for (const a of corners) for (const b of corners) for (const [from, to] of [[[a, b, -1], [a, b, 1]], [[a, -1, b], [a, 1, b]], [[-1, a, b], [1, a, b]]]) {
      context.beginPath(); context.moveTo(...project(from, width)); context.lineTo(...project(to, width)); context.stroke();
    }
    for (let a = -half[0]; a <= half[0]; a++) for (let b = -half[1]; b <= half[1]; b++) for (let c = -half[2]; c <= half[2]; c++) dot(context, at([a, b, c]), 2, ink());
    const snapped = found.digits.map((digit, i) => digit - half[i]);
    arrow(context, at(found.bounded), at(snapped), accent());
    dot(context, at(found.bounded), 4, SERIES[0]);
    dot(context, at(snapped), 8, accent(), 2.5);
  };
  const round = newest(box, async () => {
    found = await ask("rounded", { z });
    redraw();
    const rows = z.map((value, i) => make("tr", "", "", make("th", "", `channel ${i + 1}`), ...[value.toFixed(2), found.bounded[i].toFixed(2), String(found.digits[i]), `× ${found.places[i]}`].map((cell) => make("td", "", cell))));
    const head = make("tr", "", "", ...["", "said", "bounded", "digit", "place"].map((name) => make("th", "", name)));
    words.replaceChildren(make("table", "gv-table", "", make("thead", "", "", head), make("tbody", "", "", ...rows)),
      make("p", "gv-sum", `${found.digits.map((digit, i) => `${digit} · ${found.places[i]}`).join(" + ")} = ${found.code}: code ${found.code} of ${found.size}`));
    words.dataset.code = found.code;
  });
  const sliders = z.map((value, i) => slider(`channel ${i + 1}`, -3, 3, 0.05, value, (shown) => shown.toFixed(2), (now) => { z[i] = now; round(); }));
  box.append(make("div", "gv-two", "", canvas, make("div", "gv-about", "", ...sliders, words)));
  round();
  return redraw;
};
