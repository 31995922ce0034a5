"""Pure: which project a folder is of, as `pulumi` finds it."""

from pathlib import Path

import pytest

from sagebridge.errors import UserError
from sagebridge.project import find_project, project_of, title


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Pulumi.yaml", "name: shop\nruntime: python\n"),
        ("Pulumi.yml", "name: shop\n"),
        ("Pulumi.json", '{"name": "shop"}'),
    ],
)
@pytest.mark.parametrize("folder", [".", "deep/down", "with a space"])
def test_the_project_is_that_of_the_folder_or_of_one_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, folder: str
) -> None:
    (tmp_path / file).write_text(text)
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)

    assert find_project().name == "shop"
    assert find_project().program_folder == tmp_path
    assert title("dev") == title("acme/shop/dev") == "project shop, stack dev"


def test_no_project_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refused:
        title("dev")
    assert f"there is no Pulumi.yaml in {tmp_path} or in a folder around it" in refused.value.message
    assert "-C DIRECTORY" in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "cannot be read"),
        ("\tname: shop", "cannot be read"),
        ("\0", "cannot be read"),
        ("runtime: python", "add a line `name: NAME`"),
        ("name: 1", "add a line `name: NAME`"),
        ("- name", "add a line `name: NAME`"),
        ("", "add a line `name: NAME`"),
    ],
)
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(UserError, match=said) as refused:
        find_project(tmp_path)
    assert str(tmp_path / "Pulumi.yaml") in refused.value.message
    assert "\n" not in refused.value.message


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_bytes(b"name: \xff")
    with pytest.raises(UserError, match=r"Pulumi\.yaml cannot be read"):
        find_project(tmp_path)


@pytest.mark.parametrize("stack", ["dev", "acme/dev", "acme/shop/dev"])
def test_a_stack_is_one_of_the_current_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop")
    monkeypatch.chdir(tmp_path)
    assert project_of(stack).name == "shop"
    with pytest.raises(UserError, match="acme/bank/dev is not one of the project shop"):
        project_of("acme/bank/dev")


def test_a_full_name_says_its_project_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert title("acme/bank/dev") == "project bank, stack dev"
