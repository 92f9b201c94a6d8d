"""Maps of codebooks: shipped with a checkpoint, kept on disk, or laid out by a process of their own."""

import contextlib
import hashlib
import logging
import multiprocessing
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from explorer.analysis.codebook_map import CodebookMap, MapKey, mapped_codes, placed_by, project
from explorer.analysis.projection import Projection
from explorer.core.errors import ExplorerError
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.services.reference import reference, shipped_arrays
from explorer.services.temporary import working_folder

log = logging.getLogger(__name__)
SHIPPED = "maps.npz"
KEPT = 256
"""Maps kept on disk."""
HELD = 16
"""Maps held in memory of those that could not be kept on disk; each takes up to 400 KB."""
NOT_KEPT = "This map could not be kept on the server's disk. It is laid out again after the program is restarted."
AT_ONCE = 2
"""Layouts that run side by side; others wait for their turn."""

POLL_SECONDS = 0.2
FORGOTTEN = 120.0
"""Seconds after which a layout that nobody asked about is given up for another. A browser lets a page in the background
ask once a minute."""


def cache_folder() -> Path:
    """Where computed maps are kept: the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codebook-explorer" / "maps"


def check_map(spec: TokenizerSpec, key: MapKey) -> None:
    """Raise CodesError where there is no such map of a model; swatches that are shipped need no decoding."""
    key.check(spec, key.level in reference(spec.id).swatches)


class Maps:
    """Finds maps, and lays out those that are nowhere yet: one process for each, shared by all who ask for it."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder or cache_folder()
        self._layouts: dict[str, _Layout] = {}
        self._held: OrderedDict[str, Projection] = OrderedDict()
        self._said = False
        self._lock = threading.Lock()

    def check_folder(self) -> None:
        """Say in the log, once, that no map can be kept where that is so; the maps themselves work without it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(b"a map")
        except OSError as error:
            self._say(error)

    def find(self, tokenizer: Tokenizer, key: MapKey, outputs: np.ndarray | None) -> CodebookMap | None:
        """A map that costs no waiting: PCA, shipped, or computed before; None otherwise."""
        codes = mapped_codes(tokenizer.spec.codebook(key.level))
        if key.method == "pca":
            return _map(codes, project(key, _placed_by(tokenizer, key), outputs))
        shipped = _shipped(tokenizer.spec.id)
        if f"{key.name}/points" in shipped:
            found = (shipped[f"{key.name}/{part}"].astype(np.float32) for part in ("points", "outputs"))
            return CodebookMap(codes, *found)
        identity = self._identity(tokenizer, key, outputs)
        held = self._held.get(identity)
        return _map(codes, held, NOT_KEPT) if held else self._kept(codes, identity)

    def progress(self, tokenizer: Tokenizer, key: MapKey, outputs: np.ndarray | None) -> float:
        """Start to lay out a map, or hear how far that is: a share in [0, 1]; afterwards `find` has it.

        A layout that failed raises ExplorerError once; the next call starts anew.
        """
        identity = self._identity(tokenizer, key, outputs)
        with self._lock:
            if identity not in self._layouts:
                self._clear_away()
                if len(self._layouts) >= AT_ONCE:
                    return 0.0
                self._layouts[identity] = _Layout(key, _placed_by(tokenizer, key), outputs)
            layout = self._layouts[identity]
            share, layout.asked = layout.poll(), time.monotonic()
            if layout.ended:
                del self._layouts[identity]
                if layout.result is None:
                    raise ExplorerError(f"This map could not be laid out: {layout.failure}")
                self._keep(identity, layout.result)
            return share

    def wait_for(self, tokenizer: Tokenizer, key: MapKey, outputs: np.ndarray | None) -> CodebookMap:
        """The map, laid out first where it is nowhere yet."""
        while (found := self.find(tokenizer, key, outputs)) is None:
            if self.progress(tokenizer, key, outputs) < 1:
                time.sleep(POLL_SECONDS)
        return found

    def stop(self, tokenizer: Tokenizer, key: MapKey, outputs: np.ndarray | None) -> None:
        """Give up a layout that nobody waits for."""
        with self._lock:
            layout = self._layouts.pop(self._identity(tokenizer, key, outputs), None)
        if layout:
            layout.stop()

    def _clear_away(self) -> None:
        """Ends what nobody asks about any more, and keeps what came of it; a page that was closed tells nobody."""
        for identity, layout in list(self._layouts.items()):
            layout.poll()
            if layout.ended or time.monotonic() - layout.asked > FORGOTTEN:
                del self._layouts[identity]
                layout.stop()
                if layout.result is not None:
                    self._keep(identity, layout.result)

    def _identity(self, tokenizer: Tokenizer, key: MapKey, outputs: np.ndarray | None) -> str:
        """A hash of all that decides a map."""
        book = tokenizer.spec.codebook(key.level)
        digest = hashlib.sha256(f"{key.name} {version('umap-learn')} {book.size} {book.radices}".encode())
        digest.update(tokenizer.spec.sha256.encode() or _placed_by(tokenizer, key).tobytes())
        if outputs is not None and key.of == "vectors":
            digest.update(np.ascontiguousarray(outputs).tobytes())
        return digest.hexdigest()

    def _kept(self, codes: np.ndarray, identity: str) -> CodebookMap | None:
        try:
            with np.load(self.folder / f"{identity}.npz", allow_pickle=False) as arrays:
                return CodebookMap(codes, arrays["points"], arrays["outputs"])
        except OSError:  # not there, or not to be read
            return None
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            log.warning("a kept map could not be read and is laid out again: %s", error)
            return None

    def _keep(self, identity: str, found: Projection) -> None:
        """On disk, for this and later processes; where that can't be, in memory."""
        partial = self.folder / f"{identity}.{os.getpid()}.tmp"  # several apps may share the folder
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.savez_compressed(file, points=found.points, outputs=found.others)
            partial.replace(self.folder / f"{identity}.npz")
            for old in sorted(self.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            self._held[identity] = found
            while len(self._held) > HELD:
                self._held.popitem(last=False)
            self._say(error)

    def _say(self, error: OSError) -> None:
        if not self._said:
            log.warning(
                "Computed maps can't be kept in %s (%s): each is laid out again after a restart. Free some space, or "
                "set XDG_CACHE_HOME to a folder that can be written.",
                self.folder,
                error.strerror or error,
            )
        self._said = True


class _Layout:
    """A projection on its way in another process, so that it neither holds up the page nor can't be stopped."""

    def __init__(self, key: MapKey, features: np.ndarray, outputs: np.ndarray | None):
        self.share, self.result, self.failure, self.ended = 0.0, None, "its process ended.", False
        self.asked = time.monotonic()
        _let_numba_cache()
        context = multiprocessing.get_context("spawn")
        self._heard, told = context.Pipe(duplex=False)
        self._process = context.Process(target=_lay_out, args=(told, key, features, outputs), daemon=True)
        self._process.start()
        told.close()

    def poll(self) -> float:
        try:
            while self._heard.poll():
                message: Mapping[str, Any] = self._heard.recv()
                self.share = message.get("share", self.share)
                self.failure = message.get("failure", self.failure)
                if "points" in message:
                    self.share, self.result = 1.0, Projection(message["points"], message["others"])
        except EOFError:
            self.ended = True
            self._process.join()
        return self.share

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()


def _lay_out(told: Connection, key: MapKey, features: np.ndarray, outputs: np.ndarray | None) -> None:
    try:
        found = project(key, features, outputs, lambda share: told.send({"share": share}))
        told.send({"points": found.points, "others": found.others})
    except ValueError as error:
        told.send({"failure": str(error)})
    except Exception as error:  # of umap's compiler, of a full disk or memory
        log.exception("a map could not be laid out")
        told.send({"failure": f"{type(error).__name__}."})
    finally:
        told.close()


def _let_numba_cache() -> None:
    """umap can't be imported where its compiler has no place for what it compiled; a layout is given a folder then."""
    umap = find_spec("umap")
    places = [Path(umap.origin).parent] if umap and umap.origin else []
    places += [Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")]
    if "NUMBA_CACHE_DIR" not in os.environ and not any(map(_writable, places)):
        with contextlib.suppress(OSError):  # then umap says itself what it lacks
            os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="numba-", dir=working_folder())


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it is not there yet."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return there.is_dir() and os.access(there, os.W_OK)


def _placed_by(tokenizer: Tokenizer, key: MapKey) -> np.ndarray:
    return placed_by(tokenizer, key, reference(tokenizer.spec.id).swatches.get(key.level))


def _map(codes: np.ndarray, found: Projection, note: str = "") -> CodebookMap:
    return CodebookMap(codes, found.points, found.others, note)


@lru_cache(maxsize=8)
def _shipped(id: str) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint's maps.npz; {} where it has none."""
    there = registry.has(id) and (registry.folder_of(id) / SHIPPED).exists()
    return shipped_arrays(id, SHIPPED) if there else {}
