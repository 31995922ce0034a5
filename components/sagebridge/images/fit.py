"""Whether a serving image and a model archive fit: a model pickled by one scikit-learn does not load in another.

Pure, and without Pulumi, so that ``model/`` can ask the same question before it publishes.
"""

import re
from collections.abc import Mapping

SCIKIT_LEARN = "scikit-learn"
"""The key under which an archive's ``versions.json`` and its object's metadata record the version."""

_TAG = re.compile(r"(?:^|/)sagemaker-scikit-learn:(\d+\.\d+)[.-]")


def misfit(image: str, versions: Mapping[str, str]) -> str | None:
    """Says why AWS's scikit-learn image cannot load an archive, or returns None.

    Args:
        image: an image URI. Only AWS's ``sagemaker-scikit-learn:<version>-…`` tells its version; any other fits.
        versions: what the archive was trained with, ``{"scikit-learn": "1.9.1", …}``; unknown versions fit.

    Source: scikit-learn's user guide, "Model persistence": loading with another version is not supported.
    """
    tag, trained = _TAG.search(image), versions.get(SCIKIT_LEARN)
    if tag is None or trained is None:
        return None
    minor = ".".join(trained.split(".")[:2])
    if tag[1] == minor:
        return None
    return (
        f"the image {image} carries scikit-learn {tag[1]}, but the model was trained with scikit-learn {trained}, "
        "and a pickle of one does not load reliably in the other. Either set containerImage to an image of "
        f"scikit-learn {minor} (sagemaker-scikit-learn:{minor}-…), or train and package again with "
        f"scikit-learn {tag[1]}"
    )
