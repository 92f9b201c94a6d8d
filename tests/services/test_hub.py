"""Published tokenizers from a stand-in for the Hub on this machine, and what is said when there is none."""

import dataclasses
import errno
import hashlib
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from explorer.adapters.catalogue import Entry, PublishedFile, entries, entry
from explorer.adapters.families import FAMILIES
from explorer.core.errors import CheckpointError, ConfigError, DownloadError, UnknownModelError
from explorer.core.strict import from_json, to_json
from explorer.models import registry
from explorer.services import hub, model_store
from explorer.services.hub import cached, download
from explorer.services.model_store import ModelStore
from explorer.services.published import open_entry, open_own

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def tiny_weights() -> dict[str, torch.Tensor]:
    """Random weights of the smallest family, MishaLaskin's, with 16 codes."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "encoder.conv_stack.0": (4, 3, 4, 4),
        "encoder.conv_stack.2": (8, 4, 4, 4),
        "encoder.conv_stack.4": (8, 8, 3, 3),
        "pre_quantization_conv": (6, 8, 1, 1),
        "decoder.inverse_conv_stack.0": (6, 8, 3, 3),
        "decoder.inverse_conv_stack.2": (8, 4, 4, 4),
        "decoder.inverse_conv_stack.4": (4, 3, 4, 4),
    }
    weights = {}
    for name, shape in shapes.items():
        out = shape[1] if "inverse" in name else shape[0]
        weights |= {f"{name}.weight": torch.randn(shape, generator=generator) / 4, f"{name}.bias": torch.zeros(out)}
    for stack in ("encoder.conv_stack.5", "decoder.inverse_conv_stack.1"):
        weights[f"{stack}.stack.0.res_block.1.weight"] = torch.randn(4, 8, 3, 3, generator=generator) / 4
        weights[f"{stack}.stack.0.res_block.3.weight"] = torch.randn(8, 4, 1, 1, generator=generator) / 4
    return weights | {"vector_quantization.embedding.weight": torch.randn(16, 6, generator=generator)}


def test_a_full_disk_is_said_and_not_taken_for_a_fault_of_the_network(monkeypatch):
    import huggingface_hub

    def full(*_, **__):
        raise RuntimeError("the stream broke") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub, "_check_reachable", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", full)
    wanted = next(found for found in entries().values() if found.repo)
    with pytest.raises(DownloadError, match=r"no room on the disk here for .* Free some space"):
        download(wanted)


@pytest.fixture
def weights_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(tiny_weights(), path)
    return path


@pytest.fixture
def published(tmp_path, monkeypatch):
    """(files by path, entry, endpoint) of a Hub of one repository; the cache is empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    files = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield files, _entry(), f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _entry(**others) -> Entry:
    facts = dict.fromkeys(("trained_on", "licence", "licence_link", "paper"), "made up")
    given = {"files": (PublishedFile("folder/a.safetensors"),), "megabytes": 0.1, "codes": 16, "dim": 6, **facts}
    return Entry("tiny.a", "Tiny A", "mishalaskin", "A test.", **{**given, "repo": "some/tiny", **others})


def _handler(files: dict[str, bytes]) -> type:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._answer(body=False)

        def do_GET(self):
            self._answer(body=True)

        def _answer(self, body: bool):
            found = re.fullmatch(r"/some/tiny/resolve/\w+/(.+)", self.path)
            content = files.get(found[1]) if found else None
            if self.path == "/":
                content = b"hello"
            self.send_response(200 if content is not None else 404)
            self.send_header("X-Repo-Commit", COMMIT)
            if content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()}"')
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if body and content:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler


def test_an_entry_is_downloaded_once_and_opened_from_the_cache(published, weights_file):
    files, found, endpoint = published
    files["folder/a.safetensors"] = weights_file.read_bytes()
    assert cached(found) is None
    with pytest.raises(DownloadError, match="has not been downloaded yet"):
        open_entry(found)
    seen = []
    fetched = download(found, lambda *progress: seen.append(progress), endpoint=endpoint)
    size = weights_file.stat().st_size
    assert (
        seen[-1] == ("folder/a.safetensors", size, size) and fetched.files[0].read_bytes() == weights_file.read_bytes()
    )
    files.clear()
    assert download(found, endpoint="http://127.0.0.1:9") == fetched == cached(found)
    tokenizer = open_entry(found)
    assert (tokenizer.spec.id, tokenizer.spec.title, tokenizer.spec.licence) == ("tiny.a", "Tiny A", "made up")
    assert tokenizer.spec.sha256 == hashlib.sha256(weights_file.read_bytes()).hexdigest()
    assert tokenizer.spec.source == "https://huggingface.co/some/tiny"
    codes = tokenizer.encode(np.random.default_rng(0).random((1, 16, 24, 3), np.float32)).codes
    assert codes["codes"].shape == (1, 4, 6) and tokenizer.decode(codes).shape == (1, 16, 24, 3)


def test_a_download_can_be_cancelled_and_leaves_nothing_half(published):
    files, found, endpoint = published
    files["folder/a.safetensors"] = bytes(30 * 2**20)
    seen = []
    with pytest.raises(DownloadError, match=r"folder/a\.safetensors was cancelled"):
        download(found, lambda *progress: seen.append(progress), lambda: bool(seen), endpoint)
    assert len(seen) == 1 and cached(found) is None


def test_what_the_hub_lacks_and_what_is_too_large_is_said(published, monkeypatch):
    files, found, endpoint = published
    with pytest.raises(DownloadError, match=r"The Hub has no folder/a\.safetensors in some/tiny"):
        download(found, endpoint=endpoint)
    files["folder/a.safetensors"] = bytes(2000)
    monkeypatch.setattr(hub, "MAX_BYTES", 1000)
    with pytest.raises(DownloadError, match="more than is opened here"):
        download(found, endpoint=endpoint)


def test_a_file_that_is_not_the_pinned_one_is_refused(published, weights_file):
    files, _, endpoint = published
    pinned = _entry(files=(PublishedFile("folder/a.safetensors", "0" * 64),))
    files["folder/a.safetensors"] = weights_file.read_bytes()
    download(pinned, endpoint=endpoint)
    with pytest.raises(CheckpointError, match="is pinned"):
        open_entry(pinned)


@pytest.fixture
def silent():
    """An address where somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://no-such-host.invalid", None])
def test_offline_it_says_so_within_five_seconds(published, silent, endpoint):
    start = time.monotonic()
    with pytest.raises(DownloadError, match=r"can't be reached .* Tiny A was not downloaded\. The bundled models work"):
        download(published[1], endpoint=endpoint or silent)
    assert time.monotonic() - start < 5


def test_what_is_not_on_the_hub_says_where_it_is(published):
    elsewhere = _entry(repo=None, url="https://example.org/a.pt", needs="Fetch it by hand.")
    with pytest.raises(DownloadError, match=r"not on the Hub\. Fetch it by hand\. It is published at https://example"):
        download(elsewhere)


def test_one_s_own_file_is_recognised(weights_file, tmp_path):
    tokenizer = open_own([weights_file])
    assert tokenizer.spec.id.startswith("own.") and "MishaLaskin" in tokenizer.spec.summary
    assert tokenizer.spec.parameters == sum(tensor.numel() for tensor in tiny_weights().values())
    (tmp_path / "config.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(CheckpointError, match="must hold an object"):
        open_own([weights_file], config=tmp_path / "config.json")


def test_the_store_gives_downloaded_models_and_evicts_by_memory(published, weights_file, monkeypatch):
    files, found, endpoint = published
    files["folder/a.safetensors"] = weights_file.read_bytes()
    others = {id: dataclasses.replace(found, id=id) for id in ("tiny.a", "tiny.b", "tiny.c")}
    monkeypatch.setattr(model_store, "entries", lambda: others)
    store = ModelStore("cpu")
    with pytest.raises(DownloadError, match="not been downloaded"):
        store.get("tiny.a")
    download(found, endpoint=endpoint)
    one = store.get("tiny.a")
    assert store.get("tiny.a") is one and one.spec.id == "tiny.a"
    store.memory = 4 * one.spec.parameters * 2 + 1
    store.get("tiny.b")
    store.get("tiny.a")
    store.get("tiny.c")  # three do not fit: the one that was not used for longest goes
    assert list(store._loaded) == ["tiny.a", "tiny.c"]
    store.memory = 0
    assert store.get("tiny.b") and list(store._loaded) == ["tiny.b"]
    for unknown in ("nothing", None, ["tiny.a"]):
        with pytest.raises(UnknownModelError):
            store.get(unknown)


def test_the_catalogue_is_whole():
    found = entries()
    assert len(found) >= 25 and {entry.family for entry in found.values()} == set(FAMILIES) - {"mishalaskin"}
    for id, each in found.items():
        assert id == each.id and id not in registry.available()
        assert each.source.startswith("https://") and (each.repo is None) == (each.url is not None)
        assert each.licence and each.licence_link.startswith("https://") and each.paper.startswith("https://")
        assert (each.stride is None) != (each.tokens is None) and each.megabytes > 0
        assert set(each.settings) <= set(FAMILIES[each.family].settings)
        assert (each.config is not None) == (each.family == "diffusers_vq")
        assert each.repo or each.needs
        assert each.unverified or (each.revision and all(file.sha256 for file in each.files))
        for file in each.files:
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
    with pytest.raises(UnknownModelError, match="The catalogue has no 'nothing'"):
        entry("nothing")


def test_an_unknown_key_in_the_catalogue_is_named():
    entry = json.loads(json.dumps(to_json(_entry())))
    assert from_json(Entry, entry) == _entry()
    with pytest.raises(ConfigError, match="colour"):
        from_json(Entry, {**entry, "colour": 1})
