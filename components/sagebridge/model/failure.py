"""Finds the words of a model's failure that its user needs: the handler's own last line.

A container of AWS's scikit-learn image answers an error of its handler with Flask's page, which does not name it; the
other images answer with JSON or text.
"""

import json
from html.parser import HTMLParser
from typing import Any

from sagebridge.endpoint_log import log_group
from sagebridge.model.log import logged_error

GENERIC = "The server encountered an internal error"
"""How the page begins with which Flask answers any error that nothing handles (`werkzeug.exceptions`)."""


def why(endpoint: str, body: str, since: float) -> str:
    """Returns why a model failed, and where its log is, on one line.

    Args:
        endpoint: The endpoint's name.
        body: What the container answered.
        since: When the request was sent, in seconds since the epoch.
    """
    log = f"the CloudWatch log group {log_group(endpoint)}"
    line = last_line(body) or logged_error(endpoint, since)
    return f"{line} (its log is {log})" if line else f"it did not say why; the reason is in its log, {log}"


def last_line(body: str) -> str | None:
    """Returns the last line of what a container answered; None if it does not say what is wrong.

    Of a page it is the last paragraph; of an object of JSON with a message, the last line of that.
    """
    text = body.strip()
    if text[:1] == "<" and "</" in text:
        page = _Page()
        page.feed(text)
        text = page.last_paragraph
        return None if not text or text.startswith(GENERIC) else text
    try:
        answer: Any = json.loads(text)
    except ValueError:
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), None)
    message = answer.get("message") if isinstance(answer, dict) else None
    if isinstance(message, str) and message.strip():
        return message.strip().splitlines()[-1].strip()
    return " ".join(text.split())


class _Page(HTMLParser):
    """Finds the last text of a page that is not empty."""

    last_paragraph = ""

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        if tag in ("p", "h1", "title"):
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data
        self.last_paragraph = " ".join(self._text.split()) or self.last_paragraph

    def reset(self) -> None:
        super().reset()
        self._text = ""
