"""Whose archive the dev stack serves."""

from pathlib import Path

import pytest

from tools import model_data
from tools.errors import ToolsError

PUBLISHED = "s3://bucket/models/boston-housing/1/model.tar.gz"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    monkeypatch.setattr(model_data, "CHECKOUT", tmp_path)
    monkeypatch.setattr(model_data, "_PUBLISHED", tmp_path / "published")
    return tmp_path / "Pulumi.dev.yaml"


def test_a_stack_without_an_archive_is_for_make_up_to_fill(settings: Path) -> None:
    assert model_data.foreign_archive("dev") is None
    settings.write_text("config: {}\n")
    assert model_data.foreign_archive("dev") is None
    settings.write_text("config:\n  project:modelData: ''\n")
    assert model_data.foreign_archive("dev") is None
    settings.write_text("config:\n  other:modelData: s3://bucket/x.tar.gz\n")
    assert model_data.foreign_archive("dev") is None


def test_the_archive_that_make_up_published_is_its_own(settings: Path) -> None:
    settings.write_text(f"config:\n  project:modelData: {PUBLISHED}\n")
    assert model_data.foreign_archive("dev") == PUBLISHED
    model_data.keep_published("dev")
    assert model_data.foreign_archive("dev") is None


@pytest.mark.parametrize("value", ["s3://bucket/mine.tar.gz", "{secure: v1:abc}"])
def test_any_other_archive_is_somebody_s(settings: Path, value: str) -> None:
    settings.write_text(f"config:\n  project:modelData: {PUBLISHED}\n")
    model_data.keep_published("dev")
    settings.write_text(f"config:\n  project:modelData: {value}\n")
    archive = model_data.foreign_archive("dev")
    assert archive is not None
    assert "v1" not in archive


@pytest.mark.parametrize("text", ["", "config", "config: 3", "config: [", "other: {}", "- 1"])
def test_settings_that_cannot_be_read_are_named(settings: Path, text: str) -> None:
    settings.write_text(text)
    with pytest.raises(ToolsError, match=r"Pulumi\.dev\.yaml"):
        model_data.foreign_archive("dev")
