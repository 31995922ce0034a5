"""The page of the model servers is made from the tables that the component uses."""

from tools import model_servers


def test_the_page_is_fresh() -> None:
    assert model_servers.PAGE.read_text() == model_servers.page(), "make docs"
