// ---- pointing and keys -------------------------------------------------------------------------------------

// The cell under the pointer; null beside the canvas, but a gesture that leaves it goes on along the border.
function cellAt(canvas, event) {
  const [u, v] = placeOn(canvas, event), { rows, columns } = cells(), column = Math.floor(u * columns), row = Math.floor(v * rows);
  const inside = column >= 0 && row >= 0 && column < columns && row < rows;
  if (!inside && !drag) return null;
  return Math.min(rows - 1, Math.max(0, row)) * columns + Math.min(columns - 1, Math.max(0, column));
}

// A new selection; the palette turns to its code.
function select(mask) { selected[level] = mask; anchor = null; }

// A selection with more cells, fewer, or only these.
function marked(before, found, how) {
  const mask = how === "new" ? new Uint8Array(before.length) : before.slice();
  for (const cell of found) mask[cell] = how === "remove" ? 0 : 1;
  return mask;
}
const wayOf = (event) => event.altKey ? "remove" : event.shiftKey ? "add" : way;

function within(a, b) {
  const [top, bottom] = [rowOf(a), rowOf(b)].sort((x, y) => x - y), [from, to] = [columnOf(a), columnOf(b)].sort((x, y) => x - y), found = [];
  for (let row = top; row <= bottom; row++) for (let column = from; column <= to; column++) found.push(row * cells().columns + column);
  return found;
}

// All cells on the way from one to the other, so that a fast brush leaves no gaps.
function line(a, b) {
  const down = rowOf(b) - rowOf(a), right = columnOf(b) - columnOf(a), far = Math.max(Math.abs(down), Math.abs(right), 1);
  return Array.from({ length: far + 1 }, (_, i) => Math.round(rowOf(a) + down * i / far) * cells().columns + Math.round(columnOf(a) + right * i / far));
}

for (const canvas of [figures.codes.canvas, figures.picture.canvas]) {
  canvas.addEventListener("pointerdown", (event) => {
    if (!picture || !coded() || event.button) return;
    if (!event.isPrimary) return letGo();                       // two fingers zoom or scroll
    const cell = cellAt(canvas, event);
    if (cell === null) return;
    canvas.setPointerCapture(event.pointerId);
    say("");
    drag = { from: cell, to: cell, tool, way: wayOf(event), before: selection(), cursor };
    cursor = cell;
    if (tool === "cell" || tool === "box" || tool === "brush") select(marked(drag.before, [cell], drag.way));
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!picture || !coded()) return;
    const cell = cellAt(canvas, event);
    if (drag && cell !== null && cell !== drag.to) {
      if (drag.tool === "box") select(marked(drag.before, within(drag.from, cell), drag.way));
      else if (drag.tool === "brush") select(marked(selection(), line(drag.to, cell), drag.way === "remove" ? "remove" : "add"));
      drag.to = cell;
    }
    if (cell !== hover) { hover = cell; draw(); }
  });
  canvas.addEventListener("pointerup", () => {
    if (!drag) return;
    const { tool: used, from, to, way: how, before } = drag, code = current()[from];
    drag = null;
    if (used === "same" && from === to) select(marked(before, [...current().keys()].filter((cell) => current()[cell] === code), how));
    if (used === "pick" && from === to) pick(code);
    show();
  });
  canvas.addEventListener("pointercancel", letGo);
  canvas.addEventListener("pointerleave", () => { if (hover !== null) { hover = null; draw(); } });
}

// The browser took the gesture over, to scroll or to zoom: as if it had not begun.
function letGo() {
  if (!drag) return;
  select(drag.before);
  cursor = drag.cursor;
  drag = hover = null;
  show();
}

// The eyedropper: the selection takes the code of the cell that is picked.
function pick(code) {
  $(".ev-code").value = code;
  if (count()) setTo(code, `picked ${code}`);
  else say(`Code ${number(code)} is picked. Select cells and press set, or select cells before you pick.`, true);
}

const compare = figures.change.canvas;
function follow(event) {
  divider = Math.min(1, Math.max(0, placeOn(compare, event)[0]));
  draw();
}
compare.addEventListener("pointerdown", (event) => { if (shown === "slider") { compare.setPointerCapture(event.pointerId); follow(event); } });
compare.addEventListener("pointermove", (event) => { if (shown === "slider" && event.buttons) follow(event); });
compare.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
  if (shown !== "slider" || !by) return;
  event.preventDefault();
  divider = Math.min(1, Math.max(0, divider + by));
  draw();
});

figures.codes.canvas.addEventListener("keydown", (event) => {
  if (!picture || !coded() || event.ctrlKey || event.metaKey) return;
  const grid = cells(), [right, down] = ARROWS[event.key] ?? [0, 0];
  if (down || right) {
    cursor = hover = Math.min(grid.rows - 1, Math.max(0, rowOf(cursor) + down)) * grid.columns + Math.min(grid.columns - 1, Math.max(0, columnOf(cursor) + right));
    if (event.shiftKey || event.altKey) select(marked(selection(), [cursor], wayOf(event)));
  } else if (event.key === " " || event.key === "Enter") select(marked(selection(), [cursor], selection()[cursor] ? "remove" : "add"));
  else return;
  event.preventDefault();
  show();
});

const everything = () => new Uint8Array(current().length).fill(1);
const clear = () => { hover = null; select(new Uint8Array(current().length)); say(""); show(); };
const KEYS = { z: (event) => (event.shiftKey ? redo : undo)(), y: redo, c: () => ACTIONS.copy(), v: () => ACTIONS.paste(), a: () => { select(everything()); show(); } };
document.addEventListener("keydown", (event) => {
  const { target, key } = event, ours = root.contains(target) || target === document.body;
  if (!root.offsetParent || !ours || !picture || !coded()) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && target.type !== "range", act = KEYS[key.toLowerCase()];
  if (key === "Escape") clear();
  else if (key === "Enter" && target.matches(".ev-code")) ACTIONS.set();
  else if (key === "Enter" && target.matches(".ev-old, .ev-new")) ACTIONS.replace();
  else if (key.toLowerCase() === "c" && String(getSelection())) return;
  else if (!typing && (event.ctrlKey || event.metaKey) && act) act(event);
  else return;
  event.preventDefault();
});
