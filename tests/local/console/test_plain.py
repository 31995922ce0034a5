"""What the console makes of errors that have HTML in them."""

import pytest

from sagebridge.local.console.plain import plain

FLASK = """<!doctype html>
<html lang=en>
<title>500 Internal Server Error</title>
<h1>Internal Server Error</h1>
<p>The server could not complete your request. Either it is overloaded or there is an error.</p>
"""
FLASK_TEXT = """Internal Server Error
The server could not complete your request. Either it is overloaded or there is an error."""
NGINX = """<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>nginx/1.24.0</center>\r
</body>\r
</html>"""
TOMCAT = """<!DOCTYPE html><html><head><meta charset="utf-8"/><style type="text/css">h1 {color: white}</style></head>
<body><h1>HTTP Status 500</h1>
<p><b>Message</b> no &lt;model&gt; &amp; no data</p><script>alert("<p>x</p>")</script></body></html>"""


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (FLASK, FLASK_TEXT),
        (f'Received "{FLASK}". See the log.', f'Received "{FLASK_TEXT}". See the log.'),
        (NGINX, "502 Bad Gateway\nnginx/1.24.0"),
        (TOMCAT, "HTTP Status 500\nMessage no <model> & no data"),
        ("<H1>Not Found</H1>", "Not Found"),
        ("<p>expected <int>, got <Foo bar></p>", "expected <int>, got <Foo bar>"),
    ],
)
def test_the_text_of_a_page_is_shown_and_not_its_tags(message: str, text: str) -> None:
    assert plain(message) == text


@pytest.mark.parametrize(
    "message",
    [
        "expected <int> and got <str>",
        "a < b & c > d",
        'answered <b> with {"a": "&lt;"}',
        "two\n  lines",
        "std::vector<double>::at",
        "",
    ],
)
def test_what_is_no_page_stays_as_it_is(message: str) -> None:
    assert plain(message) == message
