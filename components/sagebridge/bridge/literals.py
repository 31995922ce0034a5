"""Finds many texts within longer ones, in a time that does not grow with their number."""

from collections.abc import Iterable, Iterator


class Literals:
    """Texts that are looked for within longer ones."""

    def __init__(self, texts: Iterable[str], least: int) -> None:
        """Keeps the texts by how they begin.

        Args:
            texts: The texts.
            least: The least length of a text that is looked for within a longer one: a shorter one may be there by
                chance.
        """
        self._texts = frozenset(texts)
        self._least = least
        self._lengths: dict[str, set[int]] = {}
        for text in self._texts:
            if len(text) >= least:
                self._lengths.setdefault(text[:least], set()).add(len(text))

    def match(self, text: str) -> bool:
        """Tells whether a text is one of the texts, or contains a long one."""
        return text in self._texts or any(True for _ in self.within(text))

    def within(self, text: str) -> Iterator[tuple[int, str]]:
        """Yields where a long one of the texts begins within a text, and which one it is, from the beginning on."""
        for start in range(len(text) - self._least + 1):
            for length in self._lengths.get(text[start : start + self._least], ()):
                literal = text[start : start + length]
                if len(literal) == length and literal in self._texts:
                    yield start, literal
