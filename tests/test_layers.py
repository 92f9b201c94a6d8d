"""Who may import whom inside explorer, read off the source, and what importing it must not cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EVERYTHING = {
    "core",
    "quantizers",
    "models",
    "priors",
    "adapters",
    "analysis",
    "plots",
    "services",
    "training",
    "guide",
    "lab",
    "ui",
}
ALLOWED = {
    "core": set(),
    "quantizers": {"core"},
    "models": {"quantizers", "core"},
    "priors": {"models", "quantizers", "core"},
    "adapters": {"models", "quantizers", "core"},
    "analysis": {"core"},
    "analysis/usage/__main__.py": {"services", "core"},
    "plots": {"analysis", "core"},
    "training": {"priors", "models", "quantizers", "core"},
    "training/evaluate_prior.py": {"priors", "models", "quantizers", "core", "analysis"},
    "training/evaluate.py": {"models", "quantizers", "core", "analysis", "plots"},
    "training/reference.py": {"models", "quantizers", "core", "analysis", "plots", "services"},
    "training/card.py": {"models", "quantizers", "core", "analysis", "plots"},
    "training/sweep.py": {"models", "quantizers", "core", "analysis"},
    "guide": {"quantizers", "core"},
    "lab": {"training", "services", "models", "quantizers", "core"},
    "services": {"models", "adapters", "analysis", "plots", "core"},
    "ui": EVERYTHING - {"quantizers"},
    "bench": EVERYTHING,
    "check.py": {"services", "analysis", "core"},
}
NO_TORCH = ("core/", "analysis/", "plots/", "ui/")
TORCH_IN_FUNCTIONS_ONLY = (
    *("__init__.py", "services/", "check.py", "adapters/__init__.py", "adapters/catalogue.py", "adapters/family.py"),
    *("models/__init__.py", "models/registry.py", "models/config.py"),
)


def imports(source):
    """(module, at module level) of every import in a source text."""

    def visit(node, top):
        if isinstance(node, ast.Import):
            yield from ((alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            whole = node.module == "explorer"
            yield from ((f"explorer.{alias.name}", top) for alias in node.names if whole)
            yield from [] if whole else [(node.module, top)]
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, top and not inside)

    return visit(ast.parse(source), True)


def breaches(path, source):
    """Sentences about what a file (its path below explorer/) imports and may not."""
    package = path.split("/")[0]
    for module, top in imports(source):
        root, ours = module.split(".")[0], module.removeprefix("explorer.").split(".")[0]
        foreign = module.startswith("explorer.") and ours in EVERYTHING - {package} and package != "__init__.py"
        if foreign and ours not in ALLOWED.get(path, ALLOWED[package]):
            yield f"{path} imports {module}"
        if root == "gradio" and package != "ui":
            yield f"{path} imports gradio"
        refused = path.startswith(NO_TORCH) or (top and path.startswith(TORCH_IN_FUNCTIONS_ONLY))
        if root in ("torch", "torchvision") and refused:
            yield f"{path} imports torch"
        if root == "umap" and top:
            yield f"{path} imports umap at module level"


def test_layers_are_kept():
    files = sorted((ROOT / "explorer").rglob("*.py"))
    assert len(files) > 30
    found = [
        breach
        for file in files
        for breach in breaches(file.relative_to(ROOT / "explorer").as_posix(), file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/a.py", "import explorer.models.config"),
        ("core/a.py", "def f():\n    import torch.nn"),
        ("quantizers/a.py", "from explorer.models.config import ModelConfig"),
        ("analysis/a.py", "from explorer import models"),
        ("analysis/usage/counts.py", "from explorer.services.scan import scan"),
        ("plots/a.py", "from explorer.services.examples import example"),
        ("training/loop.py", "from explorer.analysis.usage import Usage"),
        ("services/a.py", "from explorer.quantizers import VectorQuantizer"),
        ("services/a.py", "try:\n    import torch\nexcept ImportError:\n    pass"),
        ("services/a.py", "import gradio as gr"),
        ("models/registry.py", "from torch import nn"),
        ("ui/a.py", "def f():\n    from torch import nn"),
        ("ui/a.py", "from explorer.quantizers.base import Quantized"),
        ("analysis/a.py", "from umap import UMAP"),
        ("__init__.py", "import torch"),
    ],
)
def test_a_breach_is_found(path, source):
    assert len(list(breaches(path, source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("services/a.py", "def f():\n    import torch"),
        ("analysis/a.py", "def f():\n    from umap import UMAP"),
        ("training/evaluate.py", "from explorer.analysis.usage import Usage"),
        ("analysis/usage/__main__.py", "from explorer.services.scan import scan"),
        ("models/tokenizer.py", "import torch\nfrom explorer.core.codes import Codes"),
        ("ui/a.py", "import gradio\nfrom explorer import __version__\nfrom explorer.plots.palette import scale"),
    ],
)
def test_what_is_allowed_is_not_a_breach(path, source):
    assert not list(breaches(path, source))


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import explorer; assert explorer.available()", "torch gradio umap skimage plotly diffusers"),
        ("from explorer.models import registry; [registry.spec(id) for id in registry.available()]", "torch gradio"),
        (
            "for name in names('core', 'analysis', 'plots', 'services'): importlib.import_module(name)",
            "torch gradio umap diffusers",
        ),
        ("import explorer.check; from explorer.adapters.catalogue import entries; assert entries()", "torch gradio"),
    ],
)
def test_importing_costs_little(statement, heavy):
    program = f"""
import importlib, pathlib, sys

def names(*packages):
    files = (f for p in packages for f in pathlib.Path("explorer", p).rglob("[a-z]*.py"))
    return [".".join(f.with_suffix("").parts) for f in files]

{statement}
print(*(name for name in {heavy.split()} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
