// ---- what a token is: the page's own picture ---------------------------------------------------------------
let page = { picture: null, model: null };

live.token = (box) => {
  const chooser = cells("The picture in cells.", () => tell()), about = make("div", "gv-about"), sum = make("p", "gv-sum");
  box.append(make("div", "gv-two", "", chooser.canvas, about), sum);
  let version = 0;
  async function take() {
    const { picture, model } = page, now = ++version;
    if (!picture?.original || !model || picture.model !== model.id || !model.levels.length) {
      about.textContent = "Choose a picture and a model with codes at the side.";
      sum.textContent = "";
      chooser.state.image = null;
      return chooser.redraw();
    }
    const image = await loadImage(picture.original), level = picture.levels[0];
    if (now !== version) return;
    Object.assign(chooser.state, { image, rows: level.rows, columns: level.columns, row: level.rows >> 1, column: level.columns >> 1 });
    chooser.redraw();
    tell();
  }
  function tell() {
    const { picture, model } = page, { image, row, column } = chooser.state;
    if (!picture || !model || !image) return;
    const level = picture.levels[0], book = model.levels[0], code = level.codes[row * level.columns + column];
    const patch = make("canvas", "gv-patch"), side = picture.width / level.columns;
    patch.width = patch.height = 64;
    const context = patch.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(image, column * side, row * side, side, side, 0, 0, 64, 64);
    about.replaceChildren(
      make("div", "gv-chain", "", make("figure", "", "", patch, make("figcaption", "", `row ${row}, column ${column}`)), make("span", "gv-to", "→"),
        make("b", "gv-code", number(code)), make("span", "gv-to", "→"), make("figure", "", "", swatchOf(book, code, 64, "gv-patch"), make("figcaption", "", "what it decodes to alone"))),
      make("p", "", `Code ${number(code)} of ${number(book.size)}. The decoder sees the codes around it too, so in the picture it looks less like a block.`));
    const tokens = picture.levels.reduce((all, each) => all + each.rows * each.columns, 0);
    const bits = picture.levels.reduce((all, each, i) => all + each.rows * each.columns * Math.log2(model.levels[i].size), 0), bytes = 3 * picture.width * picture.height;
    sum.textContent = `${picture.width} × ${picture.height} pixels are ${number(bytes)} bytes; ${number(tokens)} codes are ${number(Math.ceil(bits / 8))} bytes, ${number(8 * bytes / bits)} times fewer. (${model.title})`;
  }
  onShared("model", async (text) => { page.model = await readModel(text); take(); });
  onShared("picture", (text) => { page.picture = readPicture(text); take(); });
  return () => { chooser.redraw(); };
};
