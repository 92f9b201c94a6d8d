// ---- saving -------------------------------------------------------------------------------------------------

function save(blob, suffix) { download(blob, picture.name, `${picture.model}.${suffix}`); }

function savePicture(source, width, height, suffix) {
  const canvas = make("canvas");
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(source, 0, 0, width, height);
  canvas.toBlob((blob) => save(blob, suffix), "image/png");
}

const SAVERS = {
  json: () => save(new Blob([JSON.stringify(codesFile(picture))], { type: "application/json" }), "codes.json"),
  npz: async () => {
    const { npz } = await answer("codes_as_npz", codesFile(picture));
    save(new Blob([unpack(npz, Uint8Array)], { type: "application/zip" }), "codes.npz");
  },
  reconstruction: () => savePicture(decoded(), picture.width, picture.height, "reconstruction.png"),
  map: () => savePicture(layer, layer.width * 8, layer.height * 8, "map.png"),
};
for (const button of $$("[data-save]")) {
  button.onclick = async () => {
    if (!picture) return;
    try { await SAVERS[button.dataset.save](); complain(""); } catch (error) { complain(error.message); }
  };
}
