// What the views share; it stands before each of them. Nothing here knows what is shown.
const root = element.querySelector(".tv, .sv");
const $ = (selector) => root.querySelector(selector);
const $$ = (selector) => [...root.querySelectorAll(selector)];

const ACCENT = "#4f46e5", CHOSEN = "#c2410c";     // on pictures, light and dark: what is pointed at, what is chosen
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };   // right, down

function make(tag, kind, words, ...parts) {
  const found = document.createElement(tag);
  if (kind) found.className = kind;
  if (words) found.textContent = words;
  found.append(...parts);
  return found;
}

function button(label, act) { return Object.assign(make("button", "tv-button", label), { type: "button", onclick: act }); }

// A figure below its title, with a few words beside that.
function headed(title, note, ...parts) {
  return make("figure", "", "", make("div", "tv-head", "", make("h3", "", title), make("span", "tv-fact", note)), ...parts);
}

// What a function of the server answers; what it can't do is thrown in its words.
async function answer(call, request) {
  let reply;
  try { reply = JSON.parse(await server[call](JSON.stringify(request))); }
  catch { throw new Error("The server did not answer. What was there is as it was; try again."); }
  if (reply.error) throw new Error(reply.error);
  return reply;
}

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

// Where on a canvas: shares of its width and height.
function placeOn(canvas, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
}

// A border along the path that was begun, to be seen on any picture.
function border(context, colour) {
  for (const [stroke, width] of [["rgba(255,255,255,0.95)", 4], [colour, 2]]) {
    context.strokeStyle = stroke; context.lineWidth = width; context.stroke();
  }
}

const rgb = (colours, at) => `rgb(${colours[3 * at]},${colours[3 * at + 1]},${colours[3 * at + 2]})`;

// The colours of a scale, from low to high.
function drawScale(canvas, scale) {
  const fitted = fitCanvas(canvas);
  if (!fitted) return;
  const { context, width, height } = fitted;
  for (let x = 0; x < width; x++) { context.fillStyle = rgb(scale, Math.round(255 * x / (width - 1))); context.fillRect(x, 0, 1.5, height); }
}

const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
/** Digits by the size that is shown, so that 0.9999 and 1.0001 read alike. */
const plain = (value) => { const size = Math.abs(value); return number(value, size >= 99.95 ? 0 : size >= 0.9995 ? 1 : 3); };

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

// What went wrong, above a view; "" where nothing did.
function complain(text) {
  const note = $(".cv-message");
  if (note.textContent !== text) note.textContent = text;      // a screen reader reads it out once
  note.hidden = !text;
}

// Terms with what is known of them, into a <dl>.
function list(target, facts) {
  target.replaceChildren(...facts.flatMap(([term, detail]) => [make("dt", "", term), make("dd", "", detail)]));
}

// A row of buttons of which one is chosen; redrawn only when something changed.
function buttons(group, entries, chosen, act) {
  const signature = JSON.stringify([entries, chosen]);
  if (group.dataset.signature === signature) return;
  const focused = group.contains(document.activeElement);
  group.dataset.signature = signature;
  group.replaceChildren(...entries.map(([key, label], i) => {
    const button = make("button", "", label);
    button.type = "button";
    button.dataset.key = key;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(key === chosen));
    button.tabIndex = key === chosen ? 0 : -1;
    button.onclick = () => act(key);
    button.onkeydown = (event) => {
      const [right, down] = ARROWS[event.key] ?? [0, 0], by = right + down;
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
function openTab(title) {
  tabs().find((tab) => tab.textContent.trim() === title)?.click();
  const main = document.querySelector("#main");
  if (main?.getBoundingClientRect().top < 0) main.scrollIntoView(); // or the tab would open somewhere in its middle
}

// What all views of the page show: the Tokenize view is sent it and hands it on, also to those that come later.
// What came first is what the page opened with, before anybody chose.
function share(name, text) {
  (window.explorerShown ??= {})[name] = text;
  (window.explorerFirst ??= {})[name] ??= text;
  window.dispatchEvent(new CustomEvent(`explorer-${name}`, { detail: text }));
}
const asOpened = (name) => window.explorerShown[name] === window.explorerFirst[name];
function onShared(name, take) {
  window.addEventListener(`explorer-${name}`, (event) => take(event.detail));
  const text = window.explorerShown?.[name];
  if (text) take(text);
}
