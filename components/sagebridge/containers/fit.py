"""Checks that a serving image can load a model archive: scikit-learn does not load what another version has pickled.

Nothing here calls AWS or imports Pulumi, so that the rooms ``images``, ``model`` and ``local`` ask the same question.
"""

import re
from collections.abc import Mapping

from sagebridge.redaction import derived

SCIKIT_LEARN = "scikit-learn"
"""The key under which an archive's ``versions.json`` and its object's metadata record the version."""

_TAG = re.compile(r"(?:^|/)sagemaker-scikit-learn:(\d+\.\d+)[.-]")


def misfit(image: str, versions: Mapping[str, str]) -> str | None:
    """Says why AWS's scikit-learn image cannot load an archive, or returns None.

    Args:
        image: an image URI. Only AWS's ``sagemaker-scikit-learn:<version>-…`` tells its version; any other image fits.
        versions: the versions that the archive was trained with, ``{"scikit-learn": "1.9.1", …}``; without
            scikit-learn's, any image fits.

    Source: scikit-learn's user guide, "Model persistence": loading with another version is not supported.
    """
    tag, model_version = _TAG.search(image), versions.get(SCIKIT_LEARN)
    if tag is None or model_version is None:
        return None
    image_minor, model_minor = derived(tag[1], image), ".".join(model_version.split(".")[:2])
    if image_minor == model_minor:
        return None
    return (
        f"the image {image} carries scikit-learn {image_minor}, but the model was trained with scikit-learn "
        f"{model_version}, "
        "and a pickle of one does not load reliably in the other. Either set containerImage to an image of "
        f"scikit-learn {model_minor} (sagemaker-scikit-learn:{model_minor}-…), or train and package again with "
        f"scikit-learn {image_minor}"
    )
