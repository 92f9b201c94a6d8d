// A lab: two tiny networks trained side by side from one seed. The server trains them a little for each frame that is
// asked for, so that nothing goes on when nobody looks. The parts stand in one scope: lab_state, lab_words, lab_curves,
// then lab_points or lab_pictures with what is drawn of a side, lab_controls.
const given = JSON.parse(props.given), lab = given.plan.lab;
const CURES = new Map(given.cures.map((cure) => [cure.key, cure]));
const SPEEDS = [["slow", "slow motion"], ["normal", "normal"], ["fast", "as fast as it goes"]];
const STEPS = { slow: 1, normal: lab === "points" ? 5 : 2, fast: 1000 };   // for one frame, at most
const PACE = { slow: 600, normal: 40, fast: 30 };                          // ms from frame to frame, at least
if (matchMedia("(prefers-reduced-motion: reduce)").matches) { STEPS.normal *= 20; PACE.normal = PACE.fast = 1000; }
const SIDES = ["left", "right"], COLOURS = [SERIES[0], SERIES[2]], DEAD = "#a8a29e";
const EXCLUDE = { ema: "l2", l2: "ema" };                                  // cures that do not go together
const TOUCH = 60_000;

const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const plan = { ...given.plan }, settings = { ...given.settings };
const cures = new Set();
let beside = "fsq", speed = "normal", running = false;
let step = 0, most = Infinity, training = 0, data = null;
let sides = [null, null], readings = [[], []], marks = [];                 // marks: [step, what was switched]
let hover = null;                                                          // {side, code}

// ---- asking -----------------------------------------------------------------------------------------------

let pending = null, asking = false, wake = () => {}, speeds = [];
let trouble = false;                                                       // whether the last request was not answered

// Ask for a frame after at most so many steps of training; 0 to look. What is asked meanwhile comes with the next one.
function want(steps, fresh = false) {
  pending = { steps: Math.max(steps, pending?.steps ?? 0), fresh: fresh || Boolean(pending?.fresh) };
  wake();
  pump();
}

const ask = async (request) => JSON.parse(await server.lab(JSON.stringify({ key, ...request })));
const rest = (ms) => new Promise((resolve) => { const timer = setTimeout(resolve, ms); wake = () => { clearTimeout(timer); resolve(); }; });
const visible = () => !document.hidden && $(".lb-sides").clientWidth > 0;
const sideSettings = () => [{ ...settings, cures: [...cures] }, { ...settings, cures: beside ? [beside] : [] }];

async function pump() {
  if (asking) return;
  asking = true;
  while (running || pending) {
    if (!visible()) { await rest(300); continue; }
    const request = pending ?? { steps: STEPS[speed], fresh: false }, began = performance.now();
    pending = null;
    const since = request.fresh ? -1 : readings[0].at(-1)?.[0] ?? -1;
    let wait = 0;
    try {
      const reply = await ask({ ask: "frame", plan, sides: sideSettings(), since, ...request });
      if (pending?.fresh) continue;                      // an answer about a run that nobody looks at any more
      if (request.fresh || trouble) complain("");
      trouble = Boolean(reply.full || reply.error);
      if (reply.full) { complain(reply.full); pending ??= request; wait = 1000; }
      else if (reply.error) { complain(reply.error); pause(); }
      else takeFrame(reply);
    } catch { complain("The server does not answer. Asking again."); trouble = true; pending ??= request; wait = 2000; }
    const spent = performance.now() - began;
    if (running) { speeds.push(began); while (speeds[0] < began - 2000) speeds.shift(); }
    if (wait || (running && !pending)) await rest(Math.max(wait, PACE[speed] - spent, 0));
  }
  asking = false;
}

function takeFrame(reply) {
  if (reply.data !== undefined) {   // a new run: nothing of the last one counts any more
    if (step > 0 && running) complain("This run had been put away, as its page was silent for long. It starts anew.");
    readings = [[], []]; marks = []; hover = null;
    takeData(reply.data);
  }
  step = reply.step; most = reply.most; training = reply.training;
  reply.sides.forEach((side, i) => { readings[i].push(...side.readings); thin(readings[i]); sides[i] = takeSide(side, sides[i]); });
  if (step >= most && running) { pause(); complain(`A run ends after ${number(most)} steps. Reset starts it again.`); }
  root.dataset.ready = "yes"; root.dataset.step = String(step); root.dataset.training = String(training); root.dataset.data = plan.data;
  SIDES.forEach((side, i) => { root.dataset[side] = String(readings[i].at(-1)[2]); });
  look();
}

// A long curve keeps every other of its older points; nobody can see the difference.
function thin(curve) {
  if (curve.length > 2400) curve.splice(0, 1600, ...curve.slice(0, 1600).filter((_, i) => i % 2 === 0));
}

function run() { if (step >= most) return; running = true; root.dataset.running = "yes"; look(); pump(); }
function pause() { running = false; root.dataset.running = "no"; speeds = []; wake(); look(); }
function restart() { step = 0; running = false; root.dataset.running = "no"; speeds = []; want(0, true); }
