"""What cards and README say is what the checkpoints' configs hold."""

from pathlib import Path

from explorer.models import registry
from explorer.models.config import read_config
from explorer.training.card import model_card
from explorer.training.evaluate import update_readme

README = Path(__file__).parents[2] / "README.md"


def test_cards_and_the_readme_s_table_are_those_of_the_configs(tmp_path):
    folders = [registry.folder_of(id) for id in registry.BUNDLED]
    for folder in folders:
        assert (folder / "README.md").read_text(encoding="utf-8") == model_card(read_config(folder)), folder.name
    written = tmp_path / "README.md"
    written.write_bytes(README.read_bytes())
    update_readme(written, folders)
    assert written.read_text(encoding="utf-8") == README.read_text(encoding="utf-8")
