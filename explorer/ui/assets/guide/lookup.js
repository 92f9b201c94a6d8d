// ---- the nearest code vector of a real cell ----------------------------------------------------------------
live.lookup = (box) => {
  const chooser = cells("The picture in cells.", () => look()), side = make("div", "gv-about");
  box.append(make("div", "gv-two", "", chooser.canvas, side));
  const look = newest(box, async () => {
    await openingInto(chooser, 9, 15);
    const { row, column } = chooser.state, reply = await ask("lookup", { row, column });
    const rows = reply.rows.map((entry, i) => {
      const tr = make("tr", i ? "" : "gv-winner"), code = make("td", "", "", make("span", "gv-named", "", small(entry.swatch), document.createTextNode(number(entry.code))));
      tr.append(code, ...[entry.norm, -2 * entry.dot, entry.distance].map((value) => make("td", "", value.toFixed(3))));
      return tr;
    });
    const head = make("tr", "", "", ...["code", "‖e‖²", "−2 z·e", "‖z − e‖²"].map((name) => make("th", "", name)));
    const table = make("table", "gv-table", "", make("thead", "", "", head), make("tbody", "", "", ...rows));
    side.replaceChildren(table, make("p", "tv-fact", `row ${row}, column ${column}: the nearest ${rows.length} of ${number(reply.size)} code vectors of ${reply.dim} numbers; ‖z‖² = ${reply.z.toFixed(3)}`));
    side.dataset.code = reply.rows[0].code;
  });
  look();
  return () => chooser.redraw();
};
