"""What cards and README say is what the checkpoints' configs hold."""

from pathlib import Path

from explorer.models import registry
from explorer.models.config import read_config
from explorer.training.card import model_card, readme_table

README = Path(__file__).parents[2] / "README.md"


def test_cards_and_the_readme_s_table_are_those_of_the_configs():
    configs = [read_config(registry.folder_of(id)) for id in registry.BUNDLED]
    for config in configs:
        card = (registry.folder_of(config.id) / "README.md").read_text(encoding="utf-8")
        assert card == model_card(config), config.id
    assert f"<!-- models -->\n{readme_table(configs)}\n<!-- /models -->" in README.read_text(encoding="utf-8")
