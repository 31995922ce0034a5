import csv
import math
from pathlib import Path

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

from model.train import DATA, DataError, fit, main, read, train

SAMPLE = [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]


def test_the_model_predicts_what_the_article_says(model_file: Path) -> None:
    assert joblib.load(model_file).predict(SAMPLE)[0] == pytest.approx(28.9967236, abs=5e-8)


def test_scores_are_scikit_learns_own() -> None:
    table = np.loadtxt(DATA, delimiter=",", skiprows=1)
    train_x, test_x, train_y, test_y = train_test_split(table[:, :13], table[:, 13], test_size=0.2, random_state=42)
    model = LinearRegression().fit(train_x, train_y)

    fitted = fit(read(DATA))

    assert fitted.rows == 506
    assert fitted.rmse == pytest.approx(math.sqrt(mean_squared_error(test_y, model.predict(test_x))), rel=1e-12)
    assert fitted.r2 == pytest.approx(model.score(test_x, test_y), rel=1e-12)


def test_the_command_says_rows_scores_and_file(tmp_path: Path) -> None:
    out = tmp_path / "new" / "model.joblib"
    fitted = fit(read(DATA))

    result = CliRunner().invoke(main, ["--out", str(out)])

    assert result.exit_code == 0, result.output
    assert all(said in result.output for said in ("506", f"{fitted.rmse:.4f}", f"{fitted.r2:.4f}", str(out)))
    assert [path.name for path in out.parent.iterdir()] == ["model.joblib"]


def test_columns_are_found_by_name_and_others_left_out(tmp_path: Path) -> None:
    with DATA.open(newline="") as file:
        header, *rows = csv.reader(file)
    with (tmp_path / "data.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([[*reversed(header), "note"], *([*reversed(row), "x"] for row in rows)])

    assert np.array_equal(read(tmp_path / "data.csv"), read(DATA))


LINES = DATA.read_text().splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column CRIM, ZN,"),
        ("\n".join(LINES).replace("TAX", "tax"), "no column TAX"),
        (LINES[0], "0 rows"),
        ("\n".join(LINES[:18]), "17 rows"),
        ("\n".join([*LINES, LINES[1].replace("6.575", "six")]), "line 508: RM is 'six'"),
        ("\n".join([*LINES, LINES[1].replace("6.575", "nan")]), "line 508: RM is 'nan'"),
        ("\n".join([*LINES, LINES[1].replace("6.575", "")]), "line 508: RM is ''"),
        ("\n".join([*LINES, "1,2,3"]), "line 508: CHAS is ''"),
        ("\udcff" + "\n".join(LINES), "not a CSV file in UTF-8"),
    ],
)
def test_bad_data_gives_one_clear_message_and_no_model(tmp_path: Path, text: str, said: str) -> None:
    data = tmp_path / "data.csv"
    data.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(DataError) as error:
        train(data, tmp_path / "out" / "model.joblib")

    assert said in error.value.message
    assert str(data) in error.value.message
    assert "\n" not in error.value.message
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--data", str(tmp_path / "none.csv")])

    assert (result.exit_code, result.output) == (
        1,
        f"Error: cannot read {tmp_path}/none.csv: No such file or directory\n",
    )
