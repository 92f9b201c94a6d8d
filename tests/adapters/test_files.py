"""Files from strangers: read without running anything, or refused in one sentence."""

import io
import os
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from explorer.adapters.convert_dall_e import convert, main
from explorer.adapters.families import build_network, recognise
from explorer.adapters.files import StateDict, digest, read_tensors
from explorer.adapters.inert_pickle import read_inert, tensors_of_module
from explorer.core.errors import CheckpointError
from tests.adapters.golden import GOLDEN, needs_golden

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


class Harmful:
    """Unpickling it calls a function with arguments."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


class Renamed(pickle._Pickler):
    """A pickler that writes another module's name for a class of this file."""

    def __init__(self, file, module):
        super().__init__(file, protocol=2)
        self.module = module

    def save_global(self, obj, name=None):
        if obj is Harmful:
            self.write(b"c" + f"{self.module}\nHarmful\n".encode())
            self.memoize(obj)
        else:
            super().save_global(obj, name)


Renamed.dispatch = {**pickle._Pickler.dispatch, type: Renamed.save_global}


def archive(path, data: bytes):
    """A zip file as torch.save writes it, with any pickle inside."""
    with zipfile.ZipFile(path, "w") as file:
        for entry, content in {"data.pkl": data, "byteorder": b"little", "version": b"3\n"}.items():
            file.writestr(f"weights/{entry}", content)
    return path


@pytest.fixture
def marker(tmp_path):
    """A path that harmful files try to create."""
    path = tmp_path / "it-ran"
    yield path
    assert not path.exists(), "a file from a stranger ran code"


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_what_torch_saved_is_unwrapped(tmp_path, wrapper):
    saved = {wrapper: dict(WEIGHTS), "epoch": 3} if wrapper else dict(WEIGHTS)
    torch.save(saved, tmp_path / "a.ckpt")
    found = read_tensors([tmp_path / "a.ckpt"])
    assert set(found) == set(WEIGHTS) and all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


def test_old_files_parallel_names_half_floats_and_several_files(tmp_path):
    torch.save(
        {f"module.{n}": t for n, t in WEIGHTS.items()}, tmp_path / "old.pt", _use_new_zipfile_serialization=False
    )
    assert torch.equal(read_tensors([tmp_path / "old.pt"])["a.weight"], WEIGHTS["a.weight"])
    save_file({"c": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / "c.safetensors")
    both = read_tensors([tmp_path / "old.pt", tmp_path / "c.safetensors"])
    assert both["c"].dtype == torch.float32 and set(both) == {"a.weight", "b", "c"}
    with pytest.raises(CheckpointError, match="both hold c"):
        read_tensors([tmp_path / "c.safetensors"] * 2)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_named_and_runs_nothing(tmp_path, marker, zipped):
    harmful = {"state_dict": WEIGHTS, "callbacks": Harmful(os.system, f"touch {marker}")}
    torch.save(harmful, tmp_path / "bad.ckpt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"asks for posix\.system, which could run code.* nothing in it was run"):
        read_tensors([tmp_path / "bad.ckpt"])
    torch.load(tmp_path / "bad.ckpt", weights_only=False)  # that the file does what it threatens
    assert marker.exists()
    marker.unlink()


@pytest.mark.parametrize(
    "module", ["pytorch_lightning.callbacks", "numpy.core.multiarray", "omegaconf.x", "lightning.y"]
)
def test_bookkeeping_of_training_programs_is_skipped_and_not_imported(tmp_path, marker, monkeypatch, module):
    """A name that is skipped gets no meaning, whatever stands on this machine under that name."""
    monkeypatch.setitem(__import__("sys").modules, module, type("module", (), {"Harmful": lambda *_: marker.touch()}))
    buffer = io.BytesIO()
    Renamed(buffer, module).dump({"state_dict": {}, "callbacks": {Harmful: Harmful(Harmful, str(marker))}})
    saved = read_inert(archive(tmp_path / "a.ckpt", buffer.getvalue()), accepts=lambda name: name.startswith(module))
    assert saved == {"state_dict": {}, "callbacks": {}}  # only entries with texts for keys are kept
    with pytest.raises(CheckpointError, match="holds no tensors"):
        read_tensors([tmp_path / "a.ckpt"])


@pytest.mark.parametrize(
    ("asked", "arguments"),
    [
        (b"cbuiltins\neval\n", b"X\x04\x00\x00\x001+1\n\x85R"),
        (b"cos\nsystem\n", b"X\x04\x00\x00\x00true\x85R"),
        (b"cpytorch_lightning_but_not\nA\n", b")R"),
        (b"ctorch.hub\nload\n", b")R"),
        (b"cexplorer.adapters.files\nread_tensors\n", b")R"),
        (b"\x82\x01", b""),  # an extension registered by number
    ],
)
def test_only_tensor_functions_can_be_named(tmp_path, asked, arguments):
    path = archive(tmp_path / "a.pt", b"\x80\x02" + asked + arguments + b".")
    with pytest.raises(CheckpointError, match=r"asks for|uses the instruction 0x82"):
        read_tensors([path])


def test_what_a_pickle_may_call_can_not_be_changed_for_the_next_file(tmp_path):
    """BUILD sets attributes of whatever lies on the stack."""
    taken = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
    for state in (b"}X\x04\x00\x00\x00_runK\x01s", b"N}X\x04\x00\x00\x00_runK\x01s\x86"):
        read_inert(archive(tmp_path / "a.pt", taken + state + b"b."), accepts=lambda name: False)
    torch.save(WEIGHTS, tmp_path / "b.pt")
    found = read_inert(tmp_path / "b.pt", accepts=lambda name: False)
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


def test_a_small_file_can_not_claim_a_huge_tensor(tmp_path):
    torch.save({"a": torch.zeros(1).expand(10**9)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="claims 1,000,000,000 values"):
        read_tensors([tmp_path / "a.pt"])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_of_every_kind_are_read_as_torch_reads_them(tmp_path, zipped, protocol):
    dtypes = (torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.uint16, torch.int8, torch.bool)
    weights = {str(dtype): torch.arange(12).reshape(3, 4).to(dtype) for dtype in dtypes}
    weights |= {"parameter": torch.nn.Parameter(torch.ones(3)), "turned": torch.arange(12.0).reshape(3, 4).T}
    weights |= {"empty": torch.empty(0, 4), "scalar": torch.tensor(3.0), "part": torch.arange(100)[10:20:3]}
    beside = {"dtype": torch.float16, "size": torch.Size([1]), "set": {1}, "frozen": frozenset([1]), "device": "cpu"}
    beside |= {"complex": 1j, "big": 2**70, "module": torch.nn.Linear(2, 2).state_dict(), "at": torch.device("cpu")}
    file = {"state_dict": weights, "beside": beside}
    torch.save(file, tmp_path / "a.pt", pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    found = read_tensors([tmp_path / "a.pt"])
    assert set(found) == set(weights)
    for name, tensor in weights.items():
        expected = tensor.detach().float() if tensor.is_floating_point() else tensor
        assert found[name].dtype == expected.dtype and found[name].tolist() == expected.tolist(), name


@pytest.mark.slow
def test_a_large_checkpoint_with_its_optimizer_is_within_the_budget(tmp_path):
    model = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(2500)])
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 4)).sum().backward()
    optimizer.step()
    average = {f"ema.{name}": tensor for name, tensor in model.state_dict().items()}
    run = {"state_dict": model.state_dict(), "optimizer_states": [optimizer.state_dict()], "average": average}
    for zipped in (True, False):
        torch.save(run, tmp_path / "a.ckpt", _use_new_zipfile_serialization=zipped)
        assert len(read_tensors([tmp_path / "a.ckpt"])) == 5000


def test_a_tokenizer_inside_a_larger_model_is_taken_alone(tmp_path):
    whole = {"model.vq.a": torch.ones(2), "model.language.b": torch.zeros(9)}
    save_file(whole, tmp_path / "a.safetensors")
    torch.save(whole, tmp_path / "a.bin")
    for name in ("a.safetensors", "a.bin"):
        assert list(read_tensors([tmp_path / name], part="model.vq.")) == ["a"]
    with pytest.raises(CheckpointError, match=r"holds no tensors of other\.\*"):
        read_tensors([tmp_path / "a.bin"], part="other.")


def test_very_many_tensors_are_refused(tmp_path):
    save_file({str(n): torch.zeros(1) for n in range(5001)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="holds 5,001 tensors"):
        read_tensors([tmp_path / "a.safetensors"])


def test_an_archive_whose_entries_share_their_bytes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as file:
        file.writestr("a/data.pkl", b"\x80\x02}.")
        file.writestr("a/data/0", bytes(1000))
        for number in range(1, 9):  # more entries at the place of the first
            entry = zipfile.ZipInfo(f"a/data/{number}")
            entry.file_size, entry.compress_size, entry.CRC = 1000, 1000, 0
            entry.header_offset = file.getinfo("a/data/0").header_offset
            file.filelist.append(entry)
    with pytest.raises(CheckpointError, match="entries claim more bytes than it has"):
        read_tensors([tmp_path / "a.pt"])


def test_packed_archives_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", b"\x80\x02}.")
        file.writestr("a/data/0", bytes(10**6))
    with pytest.raises(CheckpointError, match="none that torch wrote"):
        read_tensors([tmp_path / "a.pt"])


@pytest.mark.parametrize("kind", ["safetensors", "zip", "old"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_truncated_files_are_said_to_be_cut_short(tmp_path, kind, share):
    path, weights = tmp_path / "a.bin", {"a": torch.randn(100, 100)}
    if kind == "safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"a\.bin .*(cut short|damaged|not a whole|nor a file)"):
        read_tensors([path])


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(99), b"\x80\x02.", struct.pack("<Q", 2**60) + b"{"]
)
def test_what_is_no_checkpoint_is_said_to_be_none(tmp_path, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.bin"):
        read_tensors([tmp_path / "a.bin"])


def test_too_large_absent_and_empty_files(tmp_path):
    torch.save(WEIGHTS, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="up to"):
        read_tensors([tmp_path / "a.pt"], limit=100)
    with pytest.raises(CheckpointError, match="No such file"):
        read_tensors([tmp_path / "b.pt"])
    torch.save({"a": 1}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="holds no tensors"):
        read_tensors([tmp_path / "c.pt"])
    torch.save([1], tmp_path / "d.pt")
    with pytest.raises(CheckpointError, match="holds a list"):
        read_tensors([tmp_path / "d.pt"])


def test_a_pinned_sha256_is_checked(tmp_path):
    torch.save(WEIGHTS, tmp_path / "a.pt")
    assert read_tensors([tmp_path / "a.pt"], [digest([tmp_path / "a.pt"])])
    with pytest.raises(CheckpointError, match="is pinned"):
        read_tensors([tmp_path / "a.pt"], ["0" * 64])


class Traced(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.GroupNorm(2, 4))
        self.register_buffer("levels", torch.tensor([8, 5, 5], dtype=torch.int32), persistent=False)

    def forward(self, x):
        return self.parts(x) + self.levels.sum()


def test_tensors_of_a_torchscript_file_are_read_under_a_pin_and_never_run(tmp_path, monkeypatch):
    path = tmp_path / "a.jit"
    traced = torch.jit.trace(Traced().bfloat16(), torch.rand(1, 3, 8, 8).bfloat16())
    traced.save(path)
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the program was loaded"))
    with pytest.raises(CheckpointError, match=r"TorchScript program.* pinned"):
        read_tensors([path])
    found, expected = read_tensors([path], [digest([path])]), traced.state_dict()
    assert set(found) == set(expected) and "levels" in found
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor.float() if tensor.is_floating_point() else tensor)


def test_wrong_families_and_shapes_are_named():
    tensors = StateDict({"quantize_t.embed": torch.zeros(4, 8), "other": torch.zeros(1)}, "file.pt")
    assert recognise(tensors) == "rosinality"
    with pytest.raises(CheckpointError, match=r"file\.pt lacks .* It looks like VQ-VAE-2"):
        build_network(tensors, "taming", {})
    with pytest.raises(CheckpointError, match="of no family"):
        recognise(StateDict({"a": torch.zeros(1)}, "file.pt"))
    with pytest.raises(CheckpointError, match="no setting 'colour'"):
        build_network(tensors, "rosinality", {"colour": 1})
    with pytest.raises(CheckpointError, match=r"together with its config\.json"):
        build_network(tensors, "diffusers_vq", {})
    with pytest.raises(CheckpointError, match="no family 'x'"):
        build_network(tensors, "x", {})


@needs_golden
def test_missing_surplus_and_misshapen_tensors_are_named_as_the_file_names_them():
    path = GOLDEN / "llamagen/vq2_container/weights.pt"
    for change, said in (
        (lambda t: t.pop("encoder.mid.1.q.weight"), "is missing"),
        (
            lambda t: t.update({"encoder.mid.1.q.weight": torch.zeros(3, 3, 1, 1)}),
            r"encoder\.mid\.1\.q\.weight has shape \(3",
        ),
        (
            lambda t: t.update({"decoder.conv_blocks.0.zzz": torch.zeros(1)}),
            r"decoder\.conv_blocks\.0\.zzz is not known",
        ),
        (lambda t: t.update({"encoder.conv_in.weight": torch.zeros(33, 3, 3, 3)}), "gives no LlamaGen network"),
    ):
        tensors = read_tensors([path])
        change(tensors)
        with pytest.raises(CheckpointError, match=said):
            build_network(tensors, "llamagen", {})


@needs_golden
def test_the_kind_of_file_that_lightning_wrote_is_read():
    path = GOLDEN / "taming/ldm_vq_f4_ckpt/lightning_callbacks_refused.ckpt"
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    assert set(read_tensors([path])) == {"quant_conv.weight", "quant_conv.bias"}


@needs_golden
def test_dall_e_is_converted_from_its_pickles_by_a_command_alone(tmp_path, capsys):
    folder = GOLDEN / "dall_e/dvae"
    with pytest.raises(CheckpointError, match=r"asks for dall_e\."):
        read_tensors([folder / "encoder.pkl"])
    main([str(folder), str(tmp_path / "out.safetensors")])
    assert "150 tensors" in capsys.readouterr().out
    found, expected = (read_tensors([path]) for path in (tmp_path / "out.safetensors", folder / "weights.safetensors"))
    assert set(found) == set(expected) and all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("zipped", [True, False])
def test_whole_modules_are_read_without_their_classes_from_files_of_both_kinds(tmp_path, monkeypatch, zipped):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    module[0].twin = module[0].weight  # two names of one storage
    torch.save(module, tmp_path / "a.pkl", _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr(torch.nn.Conv2d, "__setstate__", lambda *_: pytest.fail("a class was used"), raising=False)
    found = tensors_of_module(read_inert(tmp_path / "a.pkl", accepts=lambda name: name.startswith("torch.nn.")))
    expected = module.state_dict()
    assert set(found) == set(expected) and all(torch.equal(found[name], expected[name]) for name in expected)
    whole = (tmp_path / "a.pkl").read_bytes()
    for length in (len(whole) // 3, len(whole) - 5):
        (tmp_path / "a.pkl").write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            read_inert(tmp_path / "a.pkl", accepts=lambda name: name.startswith("torch.nn."))


def test_a_harmful_dall_e_pickle_is_refused(tmp_path, marker, capsys):
    torch.save(Harmful(os.system, f"touch {marker}"), tmp_path / "encoder.pkl")
    with pytest.raises(CheckpointError, match=r"posix\.system"):
        convert(tmp_path, tmp_path / "out.safetensors")
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "out.safetensors")]) == 2
    assert "has no encoder.pkl" in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()
