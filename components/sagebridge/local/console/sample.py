"""The article's sample row, and for which models it is a request."""

import json
import re
from functools import lru_cache
from pathlib import Path

from sagebridge.containers.pickles import beginning

SAMPLE = '{"Input": [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]}'
"""The sample row of the article that this project starts from."""
_NUMBERS = len(json.loads(SAMPLE)["Input"][0])
_FEATURES = re.compile(rb"n_features_in_(?:\x94|q.|r.{4})?K(.)", re.DOTALL)
"""The number of features in an estimator's state: a key, which pickle may put into its memo, and a byte.

Source: `pickletools`. The first estimator in a file gets the rows, also in a pipeline.
"""


@lru_cache(maxsize=1024)  # a page asks again every two seconds, and what is in a folder of a deployment stays
def fits(folder: Path) -> bool:
    """Returns whether the sample row is a request for a model: its handler reads `Input`, and it has 13 features.

    Nothing of the model is run.

    Args:
        folder: the model's data, unpacked.
    """
    handlers = [*folder.glob("*.py"), *folder.glob("code/*.py")]
    reads_input = any(b'"Input"' in handler.read_bytes() for handler in handlers)
    return reads_input and any(_features(path) == _NUMBERS for path in folder.iterdir() if path.is_file())


def _features(path: Path) -> int | None:
    with path.open("rb") as file:
        match = _FEATURES.search(beginning(file))
    return match[1][0] if match else None
