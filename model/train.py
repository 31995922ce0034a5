"""Fits the article's linear regression on the Boston housing data."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import click
import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent / "data" / "boston_housing.csv"
FEATURES = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
TARGET = "MEDV"
MINIMUM_ROWS = 18
"""With fewer rows, the training part (80 %) has fewer rows than the fit has unknowns: 13 slopes and an intercept."""


class DataError(click.ClickException):
    """Says what is wrong with the data, and where."""


class Fit(NamedTuple):
    """A fitted model, and its scores on the fifth of the rows that it was not fitted on."""

    model: LinearRegression
    rows: int
    """Number of rows, for training and test together."""
    rmse: float
    """Root mean squared error on the test rows, in 1000 US$."""
    r2: float
    """Coefficient of determination on the test rows, at most 1."""


def read(path: Path) -> NDArray[np.float64]:
    """Reads the 13 features and, as the last column, the target. Leaves out other columns.

    Raises:
        DataError: The file cannot be read, lacks a column, has fewer than 18 rows, or has a value that is
            not a finite number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in (*FEATURES, TARGET) if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: the first line has no column {', '.join(missing)}")
            table = [
                [_number(path, reader.line_num, name, row[name]) for name in (*FEATURES, TARGET)] for row in reader
            ]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if len(table) < MINIMUM_ROWS:
        raise DataError(f"{path} has {len(table)} rows of data; the fit needs {MINIMUM_ROWS} or more")
    return np.array(table)


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{path}, line {line}: {column} is {text or ''!r}, not a finite number")
    return number


def fit(table: NDArray[np.float64]) -> Fit:
    """Fits on 80 % of the rows and scores on the rest, split as in the article (`random_state=42`)."""
    train_x, test_x, train_y, test_y = train_test_split(table[:, :-1], table[:, -1], test_size=0.2, random_state=42)
    model = LinearRegression().fit(train_x, train_y)
    predicted = model.predict(test_x)
    return Fit(
        model,
        rows=len(table),
        rmse=float(root_mean_squared_error(test_y, predicted)),
        r2=float(r2_score(test_y, predicted)),
    )


def train(data: Path, out: Path) -> Fit:
    """Fits on the CSV file `data` and writes the model to `out` (joblib, not compressed), whole or not at all.

    Raises:
        DataError: See `read`.
    """
    fitted = fit(read(data))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    joblib.dump(fitted.model, part)
    part.replace(out)
    return fitted


@click.command(context_settings={"show_default": True})
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), default=DATA, help="The CSV file to train on.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("build/model.joblib"),
    help="The model file to write.",
)
def main(data: Path, out: Path) -> None:
    """Fit the article's linear regression."""
    fitted = train(data, out)
    click.echo(f"{fitted.rows} rows, test RMSE {fitted.rmse:.4f}, test R² {fitted.r2:.4f}\nwrote {out}")


if __name__ == "__main__":
    main()
