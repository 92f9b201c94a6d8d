import pytest

from tests.attack.intruder import Intruder


@pytest.fixture(scope="session")
def intruder(app_url):
    """An intruder whose page is open."""
    found = Intruder(app_url)
    with found.open_page():
        yield found
