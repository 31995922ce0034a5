"""English plurals as Pulumi's bridge makes them, for its names of lists.

The rules are those of github.com/pulumi/inflector v0.2.1 (BSD), which pulumi-terraform-bridge uses
(pkg/tfbridge/internal/naming). A name must become here what it became there, so better English is wrong: `inflection`
0.5.1 leaves `criteria` and `metadata` alone, and pulumi_aws has `matchCriterias` and `licenseMetadatas`.
"""

import re
from functools import cache

_UNINFLECTED = re.compile(
    r"(?i)(amoyese|bison|borghese|bream|breeches|britches|buffalo|cantus|carp|chassis|clippers|cod|coitus|contretemps"
    r"|corps|debris|diabetes|djinn|eland|elk|equipment|flounder|gallows|graffiti|headquarters|herpes|hijinks"
    r"|information|innings|jackanapes|mackerel|.*?media|mews|moose|mumps|news|nexus|pincers|pliers|proceedings"
    r"|rabies|rice|rhinoceros|salmon|scissors|sea[- ]bass|series|shears|siemens|species|swine|testes|trousers|trout"
    r"|tuna|whiting|wildebeest|.*[nrlm]ese|.*deer|.*fish|.*measles|.*ois|.*pox|.*sheep|people)"
)
"""Words whose plural is the same."""
_IRREGULAR = dict(
    pair.split("/")
    for pair in (  # noqa: SIM905 - as a list it is a page
        "atlas/atlases beef/beefs cafe/cafes child/children cookie/cookies corpus/corpuses foot/feet genus/genera "
        "goose/geese hero/heroes hoof/hoofs loaf/loaves man/men money/monies move/moves niche/niches octopus/octopuses "
        "opus/opuses ox/oxen person/people potato/potatoes sex/sexes testis/testes tooth/teeth turf/turfs"
    ).split()
)
"""Plurals of words; they match a whole name only, as the bridge counts `_` as a letter."""
_RULES = [  # the first one that matches is applied
    (re.compile(f"(?i){pattern}"), replacement)
    for pattern, replacement in (
        (r"(s)tatus$", r"\1tatuses"),
        (r"(quiz)$", r"\1zes"),
        (r"^(ox)$", r"\1en"),
        (r"([m|l])ouse$", r"\1ice"),
        (r"(matr|vert|ind)(ix|ex)$", r"\1ices"),
        (r"(x|ch|ss|sh)$", r"\1es"),
        (r"([^aeiouy]|qu)y$", r"\1ies"),
        (r"(hive)$", r"\1s"),
        (r"(?:([^f])fe|([lre])f)$", r"\1\2ves"),
        (r"sis$", "ses"),
        (r"([ti])um$", r"\1a"),
        (r"(p)erson$", r"\1eople"),
        (r"(m)an$", r"\1en"),
        (r"(c)hild$", r"\1hildren"),
        (r"(buffal|tomat)o$", r"\1oes"),
        (r"(alumn|bacill|cact|foc|fung|nucle|radi|stimul|syllab|termin|vir)us$", r"\1i"),
        (r"us$", "uses"),
        (r"(alias)$", r"\1es"),
        (r"(ax|cris|test)is$", r"\1es"),
        (r"s$", "s"),
        (r"$", "s"),
    )
]


@cache
def plural(name: str) -> str:
    """Returns the plural of a name."""
    if _UNINFLECTED.fullmatch(name):
        return name
    if name.lower() in _IRREGULAR:
        return name[0] + _IRREGULAR[name.lower()][1:]
    pattern, replacement = next(rule for rule in _RULES if rule[0].search(name))
    return pattern.sub(replacement, name, count=1)
