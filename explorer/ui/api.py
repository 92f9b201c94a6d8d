"""The endpoints: what the page does, as a program. Named, documented, for gradio_client and as MCP tools."""

import secrets
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from explorer.adapters.catalogue import Entry, entries
from explorer.analysis.codebook_map import MapKey
from explorer.analysis.edits import Edit
from explorer.analysis.usage import Usage, figures, merged
from explorer.core.codes_file import CodesFile
from explorer.core.errors import ExplorerError, PictureError
from explorer.core.images import encode_file, read_picture
from explorer.core.quoting import listed, quoted
from explorer.core.spec import TokenizerSpec
from explorer.core.strict import from_json
from explorer.core.untrusted_json import read_json
from explorer.models import registry
from explorer.services.checking import check
from explorer.services.comparison import check_models, compared, figures_of, figures_of_file, files_within, plan
from explorer.services.editing import replay
from explorer.services.maps import check_map
from explorer.services.occurrences import encoder_outputs
from explorer.services.reference import reference, reference_usage
from explorer.services.scan import scan
from explorer.services.tokenization import LONGEST, MAX_SIDE, belongs, decode, measure, tokenize
from explorer.ui.calls import LARGEST_REQUEST
from explorer.ui.code_page import whole_page
from explorer.ui.components import PictureInput, picture_bytes, uploaded_files
from explorer.ui.context import AppContext
from explorer.ui.errors import spoken
from explorer.ui.server.uploads import upload_folder

MAX_FILES = 256
"""Pictures that one call of /usage counts."""


class Api:
    """The endpoint functions; `build` registers them under their names."""

    def __init__(self, context: AppContext):
        self.context = context

    @spoken
    def models(self) -> list[dict[str, Any]]:
        """List the models: id, title, family, revision, codebook sizes and strides per level, measured figures.

        Returns:
            One object per model: {id, title, family, summary, revision, multiple, parameters, licence,
            trained_on, levels: [{name, stride, codebook_size, dim, radices, reach}], evaluation}; and of each
            published model that is known, with those not downloaded yet: {id, title, family, summary, downloaded,
            megabytes, codes, dim, stride, side, licence, licence_link, paper, source, needs, unverified}.
        """
        here = set(self.context.store.published())
        published = [_entry(entry, id in here) for id, entry in entries().items()]
        return [*(_described(registry.spec(id)) for id in self.context.models), *published]

    @spoken
    def check(self, model: str) -> list[dict[str, Any]]:
        """Test whether a model keeps its word: round trip, nearest codes, range, locality of edits.

        Args:
            model: A model id from /models.

        Returns:
            One object per check: {what, holds, found: what was measured, in words}.
        """
        return [asdict(row) for row in check(self.context.store.get(model))]

    @spoken
    def encode(self, model: str, image: str, size: int = 256, how: str = "whole") -> dict[str, Any]:
        """Encode a picture into the integer codes of a model.

        Args:
            model: A model id from /models, for example "fsq.caltech_f8_1000".
            image: A picture file: JPEG, PNG, WebP, GIF, TIFF or BMP.
            size: Pixels of the longest side (or of the square) the picture is resized to; a multiple of 8 up to 1024.
            how: "whole" keeps the whole picture, "square" takes its centre square.

        Returns:
            {model, revision, image_size: [height, width], levels: {name: {grid: [rows, columns], codes}}, metrics}.
        """
        tokenizer = self.context.store.get(model)
        size = _wanted(size, how, tokenizer.spec)
        pixels = read_picture(picture_bytes(image), longest=LONGEST).pixels
        found = tokenize(tokenizer, tokenizer.spec.fitted(pixels, size, how))
        return {**found.file.to_dict(), "metrics": measure(found, reference(model).counts).to_dict()}

    @spoken
    def decode(self, model: str, codes: dict[str, Any]) -> str:
        """Decode codes into a picture.

        Args:
            model: The id of the model that made the codes.
            codes: What /encode returned, or {"levels": {"codes": {"grid": [rows, columns], "codes": [[...], ...]}}}.

        Returns:
            The picture as a PNG file.
        """
        file = CodesFile.from_dict(_json("codes", codes))
        found = decode(self.context.store.get(model), file)
        return _png(found.reconstruction)

    @spoken
    def edit(self, model: str, codes: dict[str, Any], edits: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
        """Change codes and decode them; the picture is never encoded again.

        Args:
            model: The id of the model that made the codes.
            codes: What /encode returned.
            edits: What to do, in order. Cells are runs [first, how many] in reading order. One of
                {"kind": "write", "level", "cells", "codes": [one code] or [one per cell]},
                {"kind": "replace", "level", "old", "new"},
                {"kind": "set_digit", "level", "cells", "channel", "digit"} (FSQ, LFQ),
                {"kind": "randomize", "level", "cells", "seed"},
                {"kind": "sample_marginal", "level", "cells", "seed"}.

        Returns:
            The codes after the last edit, as /encode gives them, and the picture as a PNG file.
        """
        file = CodesFile.from_dict(_json("codes", codes))
        tokenizer = self.context.store.get(model)
        wanted = from_json(tuple[Edit, ...], _json("edits", edits), "edits")
        belongs(tokenizer.spec, file)
        after = replay(tokenizer.spec, file.codes, wanted, reference(model).counts)[-1]
        found = decode(tokenizer, replace(file, codes=after, model=model, revision=tokenizer.spec.revision))
        return found.file.to_dict(), _png(found.reconstruction)

    @spoken
    def project(
        self, model: str, level: str = "", of: str = "vectors", method: str = "pca", dims: int = 2
    ) -> dict[str, Any]:
        """Place the codes of a codebook on a map.

        Args:
            model: A model id from /models.
            level: A level of it; the first one where empty.
            of: "vectors" places codes by their vectors, "swatches" by what they decode to.
            method: "pca" answers at once, "umap" can take up to a minute the first time.
            dims: 2 or 3 axes.

        Returns:
            {codes: which codes, points: [[x, y], ...] in [-1, 1], outputs: the same of sampled encoder outputs,
            note: a sentence where the map could not be kept on the server, else ""}.
        """
        tokenizer = self.context.store.get(model)
        key = MapKey(level or _first_level(tokenizer.spec), of, method, _whole("dims", dims, 2, 3))
        check_map(tokenizer.spec, key)
        found = self.context.maps.wait_for(tokenizer, key, encoder_outputs(model, key.level))
        return {name: getattr(found, name).tolist() for name in ("codes", "points", "outputs")} | {"note": found.note}

    @spoken
    def code(self, model: str, code: int, level: str = "") -> dict[str, Any]:
        """Tell all that is known of one code: what it decodes to, how often and where it occurs, what is like it.

        Args:
            model: A model id from /models.
            code: A code of it, from 0.
            level: A level of it; the first one where empty.

        Returns:
            {model, revision, level, code, size, vector, digits, swatch: PNG as a data URL, count and tokens of the
            held-out pictures, nearest_output: distance to the nearest encoder output there, near and distances: the
            nearest codes, patches: [{picture, name, row, column, margin, cost, quantile}],
            beside: {direction: {codes, counts, lifts}}, positions: rows of counts}.
        """
        tokenizer = self.context.store.get(model)
        level = level or _first_level(tokenizer.spec)
        return whole_page(tokenizer, level, _whole("code", code, 0, tokenizer.spec.codebook(level).size - 1))

    @spoken
    def compare(
        self, models: list[str], image: str, size: int = 256, how: str = "whole", equal_bits: bool = False
    ) -> dict[str, Any]:
        """Compare what several models make of one picture, and JPEG and WebP in as many bytes.

        Args:
            models: Two to six model ids from /models.
            image: A picture file: JPEG, PNG, WebP, GIF, TIFF or BMP.
            size: About how many pixels the longest side (or the square) gets, so that every model can take it.
            how: "whole" keeps the whole picture, "square" takes its centre square.
            equal_bits: Whether to run each model at the size where its codes cost what those of the first do.

        Returns:
            {image_size: [height, width], models: [{model, title, psnr, ssim, bits_per_pixel,
            bits_per_pixel_entropy_coded, bytes, tokens, distinct, ceiling, codebook_size, floats, coded_at: [height,
            width], milliseconds}], formats: [{model, title, psnr, ssim, bits_per_pixel, bytes, quality, scale}]}.
            PSNR and SSIM against the picture at image_size, bits per pixel of it; entropy-coded by the frequencies of
            the reference set, null of a model without one.
        """
        ids = _json("models", models)
        if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
            raise ExplorerError(f"models must be a list of model ids, not {quoted(ids)}.")
        if not isinstance(equal_bits, bool):
            raise ExplorerError(f"equal_bits must be true or false, not {quoted(equal_bits)}.")
        check_models(ids)
        tokenizers = [self.context.store.get(id) for id in ids]
        size = _wanted(size, how, tokenizers[0].spec)
        pixels = read_picture(picture_bytes(image), longest=LONGEST).pixels
        made = plan([tokenizer.spec for tokenizer in tokenizers], pixels, size, how, equal_bits)
        original = made.original
        found = [compared(*each, original) for each in zip(tokenizers, made.sizes, strict=True)]
        return {
            "image_size": list(original.shape[:2]),
            "models": [figures_of(one, original.shape[0] * original.shape[1]) for one in found],
            "formats": [figures_of_file(one, original) for one in files_within(original, made.bits)],
        }

    @spoken
    def usage(
        self, model: str, images: list[str] | None = None, size: int = 256, how: str = "square"
    ) -> dict[str, Any]:
        """Count how often a model uses each of its codes, and say what may be concluded from it.

        Args:
            model: A model id from /models.
            images: Picture files, at most 256; none for the counts over held-out pictures that come with the model.
            size: Pixels that these are fitted to, as in /encode; a multiple of 8 up to 1024.
            how: "square" takes the centre square, "whole" keeps the whole picture.

        Returns:
            {model, revision, source, pictures, unreadable: [{file, why}], levels: {name: {size, tokens, pictures,
            used, share, ceiling, dead, entropy, perplexity, unseen_mass and possible_codes: {value, low, high,
            confidence}, rarefaction: {tokens, used, ceiling}, conclusion, counts, incidence}}}.
        """
        spec, unreadable = self.context.store.spec(model), []
        if images:
            usage, unreadable = self._usage_of(model, images, size, how)
        else:
            usage = reference_usage(model)
        return {
            "model": model,
            "revision": spec.revision,
            "source": "given pictures" if images else "held-out pictures",
            "pictures": next(iter(usage.values())).pictures,
            "unreadable": [{"file": name, "why": why} for name, why in unreadable],
            "levels": {name: figures(found) for name, found in usage.items()},
        }

    def _usage_of(
        self, model: str, images: list[str], size: int, how: str
    ) -> tuple[dict[str, Usage], list[tuple[str, str]]]:
        """Usage per level over picture files, and those that can't be read with why."""
        if len(images) > MAX_FILES:
            raise ExplorerError(
                f"{len(images):,} files came; at most {MAX_FILES} are counted at once. For more, run "
                "python -m explorer.analysis.usage."
            )
        tokenizer = self.context.store.get(model)
        parts = list(scan(tokenizer, uploaded_files(images), _wanted(size, how, tokenizer.spec), how))
        unreadable = [pair for part in parts for pair in part.unreadable]
        if len(unreadable) == len(images):
            raise PictureError(f"None of these files can be read. {listed(unreadable[0][:1])}: {unreadable[0][1]}")
        return merged(*(part.usage for part in parts)), unreadable

    def build(self) -> None:
        """Register the endpoints in the surrounding gr.Blocks."""
        gr.api(self.models, api_name="models")
        model = gr.Textbox(label="model", info="a model id from /models", visible=False)
        image = PictureInput(label="image", type="filepath", visible=False)
        size = gr.Number(256, label="size", info="pixels of the longest side", visible=False)
        how = gr.Textbox("whole", label="how", info='"whole" or "square"', visible=False)
        encoded = gr.JSON(label="codes", visible=False)
        given = gr.JSON(label="codes", visible=False)
        picture = gr.Image(label="picture", type="filepath", format="png", visible=False)
        run = gr.Button(visible=False)
        common = {"concurrency_id": "api", "concurrency_limit": 1}
        run.click(self.encode, [model, image, size, how], encoded, api_name="encode", **common)
        run.click(self.decode, [model, given], picture, api_name="decode", **common)
        models = gr.JSON(label="models", visible=False)
        equal = gr.Checkbox(False, label="equal_bits", visible=False)
        compared_figures = gr.JSON(label="figures", visible=False)
        asked = [models, image, size, how, equal]
        run.click(self.compare, asked, compared_figures, api_name="compare", concurrency_id="api", concurrency_limit=1)
        images = gr.File(label="images", file_count="multiple", visible=False)
        square = gr.Textbox("square", label="how", info='"square" or "whole"', visible=False)
        counted = gr.JSON(label="usage", visible=False)
        run.click(self.usage, [model, images, size, square], counted, api_name="usage", **common)
        edits = gr.JSON(label="edits", visible=False)
        level = gr.Textbox("", label="level", info="a level of the model; the first where empty", visible=False)
        of = gr.Textbox("vectors", label="of", info='"vectors" or "swatches"', visible=False)
        method = gr.Textbox("pca", label="method", info='"pca" or "umap"', visible=False)
        dims = gr.Number(2, label="dims", info="2 or 3", visible=False)
        placed = gr.JSON(label="map", visible=False)
        code = gr.Number(0, label="code", info="a code of the level", visible=False)
        told = gr.JSON(label="code page", visible=False)
        run.click(self.code, [model, code, level], told, api_name="code", **common)
        checked = gr.JSON(label="checks", visible=False)
        run.click(self.check, model, checked, api_name="check", **common)
        run.click(self.project, [model, level, of, method, dims], placed, api_name="project", concurrency_limit=1)
        run.click(self.edit, [model, given, edits], [encoded, picture], api_name="edit", **common)


def _first_level(spec: TokenizerSpec) -> str:
    spec.check_has_codes()
    return spec.levels[0].name


def _wanted(size: Any, how: str, spec: TokenizerSpec) -> int:
    """The size asked for, once it and the way of fitting are found to be such."""
    found = _whole("size", size, 1 if spec.side else spec.multiple, MAX_SIDE)
    if how not in ("whole", "square"):
        raise ExplorerError(f'how must be "whole" or "square", not {quoted(how)}.')
    return found


def _whole(name: str, value: Any, least: int, most: int) -> int:
    """An argument that is a whole number; JSON may write it with a point, as 64.0."""
    number = type(value) is int or (type(value) is float and value.is_integer())
    if not number or not least <= value <= most:
        raise ExplorerError(f"{name} must be a whole number from {least} to {most}, not {quoted(value)}.")
    return int(value)


def _json(name: str, value: Any) -> Any:
    """An argument that may come as JSON or as text of it."""
    return read_json(value, name, largest=LARGEST_REQUEST) if isinstance(value, str) else value


def _entry(entry: Entry, downloaded: bool) -> dict[str, Any]:
    keys = "id title family summary megabytes codes dim stride side licence licence_link paper source needs unverified"
    return {"downloaded": downloaded, **{key: getattr(entry, key) for key in keys.split()}}


def _described(spec: TokenizerSpec) -> dict[str, Any]:
    levels = []
    for level in spec.levels:
        book = spec.codebook(level.name)
        levels.append(
            {
                "name": level.name,
                "stride": level.stride,
                "codebook_size": book.size,
                "dim": book.dim,
                "radices": list(book.radices),
                "variant": book.variant,
                "reach": level.reach,
            }
        )
    return {
        "id": spec.id,
        "title": spec.title,
        "family": spec.family,
        "summary": spec.summary,
        "revision": spec.revision,
        "multiple": spec.multiple,
        "parameters": spec.parameters,
        "licence": spec.licence,
        "trained_on": spec.trained_on,
        "levels": levels,
        "evaluation": dict(spec.evaluation),
    }


def _png(pixels: np.ndarray) -> str:
    """The path of a new PNG file that gradio hands out to whoever knows its name, which nobody can guess."""
    data = encode_file(pixels, "png")
    with tempfile.NamedTemporaryFile(
        prefix=secrets.token_hex(16), suffix=".png", delete=False, dir=upload_folder()
    ) as png:
        try:
            png.write(data)
            png.flush()
        except OSError:
            Path(png.name).unlink(missing_ok=True)
            raise
    return png.name
