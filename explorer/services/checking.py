"""The self-test of a model on the example picture."""

from explorer.analysis.self_test import Check, self_test
from explorer.core.images import to_unit
from explorer.core.tokenizer import Tokenizer
from explorer.services.examples import GOLDEN, GOLDEN_SIZE, example


def check(tokenizer: Tokenizer) -> list[Check]:
    """The table of a tokenizer on the example picture, at a size that it takes; a CodesError of one without codes."""
    spec = tokenizer.spec
    spec.check_has_codes()
    size = max(spec.multiple, GOLDEN_SIZE // spec.multiple * spec.multiple)
    return self_test(tokenizer, to_unit(spec.fitted(example(GOLDEN), size, "square")))
