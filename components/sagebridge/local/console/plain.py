"""Makes plain text of an error that has a page of HTML in it, as web servers answer one."""

import re
from html.parser import HTMLParser

_PAGE = re.compile(r"<!doctype html|</(html|head|title|body|h[1-6]|p|pre|div|center|table|ul)\s*>", re.IGNORECASE)
"""What only HTML has. `expected <int>` is text."""
_HIDDEN = {"title", "script", "style"}
"""Elements that a browser does not show in the page."""
_INLINE = {
    *("a", "abbr", "b", "base", "code", "em", "font", "i", "img", "kbd", "link", "meta", "q", "s", "small", "span"),
    *("strong", "sub", "sup", "tt", "u"),
}
"""Elements that begin no line."""
_BLOCK = {
    *("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "div", "dl", "dt"),
    *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "li", "main", "nav", "ol"),
    *("p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
}
"""Elements that begin and end a line."""


class _Text(HTMLParser):
    """Collects the lines of text that a browser would show."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._is_hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as in html.parser
        """Begins a line at a block, and keeps what is no tag of HTML."""
        if tag in _HIDDEN:
            self._is_hidden = True
        elif tag in _BLOCK:
            self.text += "\n"
        elif tag not in _INLINE:
            self.handle_data(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """Ends a line at the end of a block."""
        if tag in _HIDDEN:
            self._is_hidden = False
        elif tag in _BLOCK:
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        """Adds text, unless it is hidden."""
        if not self._is_hidden:
            self.text += data


def plain(message: str) -> str:
    """Returns a message with the text of the HTML that is in it, or unchanged if there is none."""
    if not _PAGE.search(message):
        return message
    parser = _Text()
    parser.feed(message)
    parser.close()
    lines = (" ".join(line.split()) for line in parser.text.splitlines())
    return re.sub(r'(?<=")\n|\n(?=")', "", "\n".join(filter(None, lines)))  # a message quotes the page
