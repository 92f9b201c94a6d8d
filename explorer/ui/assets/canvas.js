// What the canvas views share; it stands before each of them. Nothing here knows what is shown.

function unpack(text, type) {
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new type(bytes.buffer);
}

function loadImage(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = url;
  });
}

// Colours that tell codes apart and say nothing more, of a codebook too large to be sent any.
function hashedColours(size) {
  const found = new Uint8Array(3 * size);
  for (let code = 0; code < size; code++) {
    const mixed = Math.imul(code, 2654435761) >>> 0;
    for (let c = 0; c < 3; c++) found[3 * code + c] = 56 + Math.floor(((mixed >>> (24 - 8 * c)) & 255) * 5 / 8);
  }
  return found;
}

const coloursOf = (entry) => unpack(entry.colours, Uint8Array) ?? hashedColours(entry.size);

// A level's codes as a file holds them: rows of integers, or one row where they form no map.
function written({ shape, rows, columns }, codes) {
  const nested = Array.from({ length: rows }, (_, r) => [...codes.subarray(r * columns, (r + 1) * columns)]);
  return { grid: shape, codes: shape.length === 1 ? nested.flat() : nested };
}

// A model payload with its arrays unpacked and its swatches loaded.
async function readModel(text) {
  const found = JSON.parse(text);
  found.scale = unpack(found.scale, Uint8Array);
  found.heat = unpack(found.heat, Uint8Array);
  await Promise.all(found.levels.map(async (entry) => {
    entry.hashed = !entry.colours;
    entry.colours = coloursOf(entry);
    entry.counts = unpack(entry.counts, Int32Array);
    entry.sheet = entry.atlas ? await loadImage(entry.atlas) : null;
  }));
  return found;
}

function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width || !height) return null;
  const w = Math.round(width * ratio), h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const plain = (value) => Math.abs(value) >= 100 ? number(value) : Math.abs(value) >= 1 ? number(value, 1) : number(value, 3);

function spanOf(numbers) {
  let low = Infinity, high = -Infinity;
  for (const n of numbers) { if (n < low) low = n; if (n > high) high = n; }
  return [low, high > low ? high : low + 1];
}

// A file for the person who asks for one; it is named after what it is of.
function download(blob, of, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${of.replace(/[^\w.-]+/g, "_") || "picture"}.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Terms with what is known of them, into a <dl>.
function list(target, facts) {
  target.replaceChildren(...facts.flatMap(([term, detail]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term; dd.textContent = detail;
    return [dt, dd];
  }));
}

// A row of buttons of which one is chosen; redrawn only when something changed.
function buttons(group, entries, chosen, act) {
  const signature = JSON.stringify([entries, chosen]);
  if (group.dataset.signature === signature) return;
  const focused = group.contains(document.activeElement);
  group.dataset.signature = signature;
  group.replaceChildren(...entries.map(([key, label], i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.dataset.key = key;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(key === chosen));
    button.tabIndex = key === chosen ? 0 : -1;
    button.onclick = () => act(key);
    button.onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by) { event.preventDefault(); group.querySelector('[aria-checked="true"]')?.focus(); act(entries[(i + by + entries.length) % entries.length][0]); }
    };
    return button;
  }));
  if (focused) group.querySelector('[aria-checked="true"]')?.focus();
}

// Two fingers on a canvas: pointer id -> its last event.
function middle(fingers) { const [a, b] = [...fingers.values()]; return { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 }; }
function spread(fingers) { if (fingers.size !== 2) return 0; const [a, b] = [...fingers.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY); }

// The page's tabs, by their titles; on a narrow page some are in a menu.
const tabs = () => [...document.querySelectorAll('#main button[role="tab"], #main .overflow-dropdown button')];
const openTab = (title) => tabs().find((tab) => tab.textContent.trim() === title)?.click();

// What all views of the page show: the Tokenize view is sent it and hands it on, also to those that come later.
function share(name, text) {
  (window.explorerShown ??= {})[name] = text;
  window.dispatchEvent(new CustomEvent(`explorer-${name}`, { detail: text }));
}
function onShared(name, take) {
  window.addEventListener(`explorer-${name}`, (event) => take(event.detail));
  const text = window.explorerShown?.[name];
  if (text) take(text);
}
