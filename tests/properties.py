"""How many examples the property-based tests try: the fast runs try a tenth of what `make test` tries.

`make unit` and `make ranges` name the profile with `--hypothesis-profile`.
"""

import hypothesis

FULL = "full"
QUICK = "quick"


def register() -> None:
    """Registers both profiles. In neither is a test timed, as the machine may be busy."""
    hypothesis.settings.register_profile(FULL, deadline=None)
    hypothesis.settings.register_profile(QUICK, deadline=None, max_examples=10)


def examples(number: int) -> hypothesis.settings:
    """Returns settings for a test that tries a number of examples in the full profile, and its share in the other."""
    return hypothesis.settings(max_examples=max(1, number * hypothesis.settings().max_examples // 100))
