// Parts of the page as a file that needs nothing else; for views that offer one.

const PAGE_STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1c1917;background:#fff;max-width:1080px;margin:32px auto;padding:0 20px}
h1{font-size:1.4rem}h2,h3{font-size:1.05rem;margin:20px 0 6px}h4{margin:14px 0 4px;font-size:.9rem}img{image-rendering:pixelated;vertical-align:middle;max-width:100%}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px}dt,small,.tv-fact,figcaption,span{color:#57534e}dd{margin:0}b small{font-weight:400}
figure{margin:0}.block,.form,.column,.row,.panel{border:0!important}dd small{display:block}.svg-container{position:relative!important}.main-svg{position:absolute;top:0;left:0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:right;padding:2px 12px;border-bottom:1px solid #e7e5e4}:is(th,td):first-child{text-align:left}
.cv-strip,.cv-patches{display:flex;flex-wrap:wrap;gap:12px}.ev-swatch{display:inline-grid;justify-items:center;font-size:.8rem}
.tv-figures,.mv-cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:18px}
.gv-scroll{overflow-x:auto}.tv-measures{display:flex;flex-wrap:wrap;gap:28px}.tv-measures span{display:block;font-size:.8rem}`;

// A copy of a part of the page: canvases as pictures, buttons as text, without what only works in the page.
function still(part) {
  const copy = part.cloneNode(true), drawn = [...part.querySelectorAll("canvas")];
  [...copy.querySelectorAll("canvas")].forEach((blank, i) => {
    const image = new Image();
    image.src = drawn[i].toDataURL(); image.className = blank.className; image.width = drawn[i].clientWidth || drawn[i].width;
    blank.replaceWith(image);
  });
  for (const button of copy.querySelectorAll("button")) {
    if (button.classList.contains("tv-button")) { button.remove(); continue; }
    const plain = document.createElement("span");
    plain.className = button.className; plain.append(...button.childNodes);
    button.replaceWith(plain);
  }
  copy.querySelectorAll("input, select, label, .tv-label, script, [role=radiogroup], .tv-tip, .cv-tools, .cv-wait, .modebar-container, [hidden]").forEach((gone) => gone.remove());
  return copy.outerHTML.replaceAll(location.href.split("#")[0], "");   // a plot names its clip paths with the page's address
}

// A text as the HTML of an element, whatever stands in the text.
function tagged(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element.outerHTML;
}

function saveHtml(title, body, name) {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">${tagged("title", title)}<style>${PAGE_STYLE}</style>${tagged("h1", title)}${body}</html>`;
  download(new Blob([page], { type: "text/html" }), name, "html");
}
