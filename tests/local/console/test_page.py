"""The console's pages: over HTTP, and as a person meets them in a headless Chromium."""

import http.client
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from rich.console import Console

from sagebridge.local import control
from sagebridge.local.console.page import RECENT
from sagebridge.local.console.sample import SAMPLE
from sagebridge.model import contract
from tests.browser import Browser
from tests.conftest import PREDICTION, ROOT
from tests.local.account import ECHO, Account, echo, pack, until
from tests.local.console.screenshot import PICTURES, arrange, take
from tools import browser
from tools.errors import ToolsError

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("console")]  # one worker arranges it all once

SCRIPT = """
def model_fn(model_dir): return None
def input_fn(body, content_type): return body
def predict_fn(data, model): return "<script>document.title = 'taken over'</script>"
def output_fn(prediction, accept): return prediction
"""
READ = "element => element.innerText.trim().split(/\\s+/).join(' ')"
"""A function of JavaScript that returns what a person reads in an element."""
BROKEN_WORDS = """(() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), broken = [];
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (node.parentElement.closest("style, pre, textarea")) continue;
    for (const word of node.data.matchAll(/[^\\s-]+-?/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})()"""
"""Returns the words that go on in another line; a name may do so behind a hyphen."""
OUTSIDE = """[...document.querySelectorAll(".variants :is(td.number, .percent, .bar)")].filter(element => {
  const box = element.getBoundingClientRect(), room = element.closest(".wide").getBoundingClientRect();
  return !box.width || box.left < room.left || box.right > room.right + 1;
}).length"""
"""Returns how many weights, shares and bars of the traffic are not to be seen without scrolling."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def arranged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A server for this module: what it shows when it has nothing, then with the endpoints of the screenshot."""
    directory = tmp_path_factory.mktemp("console")
    try:
        account = Account(control.start(directory)[0].url)
        _, _, empty = send(account, "GET", "/")
        assert "No endpoint yet" in empty
        assert "sagebridge local env" in empty
        arrange(account, tmp_path_factory.mktemp("model"))
        yield account
    finally:
        control.stop(directory)


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    try:
        executable = browser.get(Console(stderr=True))
    except ToolsError as problem:
        if "CI" in os.environ:
            raise
        pytest.skip(str(problem))
    with Browser(executable) as opened:
        opened.look(width=1280)
        yield opened


def send(
    account: Account, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(account.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        connection.close()


def test_a_person_sees_endpoints_a_canary_and_a_failure(arranged: Account, page: Browser) -> None:
    page.goto(arranged.url)
    canary, nightly, prices, rents, sentiment = (page.text(f"section:nth-of-type({number})") for number in range(1, 6))
    assert "Updating" in canary
    assert "traffic enabled on canary capacity" in canary
    old, new = page.ask(f"[...document.querySelectorAll('section:first-of-type tbody')].map({READ})")
    assert old == "housing-1 old AllTraffic housing-1 2 × ml.m5.2xlarge 1 90 %"  # noqa: RUF001 - as on the page
    assert new == (
        "housing-2 new 1 of 2 instances take traffic AllTraffic housing-2 2 × ml.m5.2xlarge 1 10 %"  # noqa: RUF001 - as above
    )
    assert "canary capacity of 1 instance(s)" in canary
    assert "serverless, 2,048 MB, 5 at once" in nightly
    assert ("75 %" in prices, "25 %" in prices) == (True, True)
    assert "Failed" in rents
    assert 'Failed to download model data for container "container_1"' in rents
    assert "InService" in sentiment
    assert page.ask("document.querySelectorAll('.invocations tbody tr').length") >= 6


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800, 600, 420])
def test_it_fits_the_window_and_needs_nothing_from_elsewhere(
    arranged: Account, page: Browser, width: int, colours: str
) -> None:
    page.look(width=width, dark=colours == "dark")
    page.forget()
    for path in ("/", "/_local/console/endpoints/housing", "/_local/console/endpoints/sentiment"):
        page.goto(arranged.url + path)
        assert page.ask("document.documentElement.scrollWidth") == width
        assert page.ask(BROKEN_WORDS) == []
        assert page.ask("document.querySelectorAll('.variants .percent').length") > 0
        assert page.ask(OUTSIDE) == 0
    ground = page.ask("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert ("dark" if sum(ground) < 3 * 128 else "light") == colours
    page.look(width=1280)
    assert all(url.startswith(arranged.url) for url in page.requests())
    assert page.complaints() == []


def test_long_names_are_whole_and_hide_neither_weight_nor_traffic(account: Account, page: Browser) -> None:
    config = account.name("config")
    names = ["ChampionWithTheFeaturesOfLastYear", "x" * 63, "challenger-with-the-features-of-this-year"]
    model = account.model(account.upload(echo("long")))
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=config,
        ProductionVariants=[
            {"VariantName": name, "ModelName": model, "InstanceType": "ml.m5.2xlarge", "InitialInstanceCount": 1}
            for name in names
        ],
    )
    name = account.deploy(config)["EndpointName"]
    for width in (1280, 800, 600, 420):
        page.look(width=width)
        page.goto(f"{account.url}/_local/console/endpoints/{name}")
        assert page.ask("document.documentElement.scrollWidth") == width
        assert page.ask(OUTSIDE) == 0
        assert [word for word in page.ask(BROKEN_WORDS) if "x" * 63 not in word] == []  # for which no window has room
    page.look(width=1280)


def test_an_error_is_shown_without_the_tags_of_its_page(arranged: Account, page: Browser) -> None:
    page.goto(f"{arranged.url}/_local/console/endpoints/sentiment")
    page.click("main form button")
    assert "Received server error (500) from primary with message" in page.text("#answer")
    for path in ("/", "/_local/console/endpoints/sentiment"):
        shown = page.text("main")
        assert "Internal Server Error" in shown
        assert "<h1>" not in shown
        assert "<!doctype" not in shown
        page.goto(arranged.url + path)


def test_the_sample_row_is_offered_only_where_the_model_takes_it(arranged: Account, page: Browser) -> None:
    page.goto(arranged.url)
    offered = page.ask("[...document.querySelectorAll('section form')].map(form => form.closest('section').innerText)")
    assert [text.split()[0] for text in offered] == ["housing", "nightly", "prices"]
    page.goto(f"{arranged.url}/_local/console/endpoints/sentiment")
    assert page.ask("document.querySelector('textarea').value") == ""


def test_the_page_of_an_endpoint_reloads_itself_until_an_update_is_over(
    owner: Account, place: Path, page: Browser
) -> None:
    name = owner.deploy(owner.config(owner.upload(echo("first"))))["EndpointName"]
    config = owner.config(owner.upload(echo("second")))
    path = f"{owner.url}/_local/console/endpoints/{name}"
    control.set_times(place, updating=1000)
    try:
        owner.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
        page.goto(f"{path}?still")
        assert page.ask("document.querySelectorAll('meta[http-equiv=refresh]').length") == 0
        page.write("#body", "{}")
        page.click("main form button")  # while it is updated; the answer stays, too
        assert "first" in page.text("#answer")
        assert page.ask("document.querySelectorAll('meta[http-equiv=refresh]').length") == 0
        page.goto(path)
        assert page.text(".badge") == "Updating"
        assert page.ask("document.querySelectorAll('form').length") == 0  # what is typed there would be lost
    finally:
        control.set_times(place, updating=0)
    owner.settled(name)
    until(lambda: page.ask("document.querySelector('.badge')?.innerText") == "InService")  # none while it loads
    assert config in page.text(".timeline")
    assert page.ask("document.querySelectorAll('meta[http-equiv=refresh]').length") == 0


def test_autoscaling_is_on_the_page_of_its_endpoint(arranged: Account) -> None:
    _, _, text = send(arranged, "GET", "/_local/console/endpoints/housing")
    scaling = text[text.index("<h2>Autoscaling</h2>") : text.index("<h2>Last invocations</h2>")]
    assert "AllTraffic: desired instance count from 2 to 6" in scaling
    assert "invocations: keeps SageMakerVariantInvocationsPerInstance at 100" in scaling
    assert "Setting desired instance count to 2." in scaling
    assert "minimum capacity was set to 2" in scaling
    assert "Successful" in scaling
    assert "desired instance count from 2 to 6" in send(arranged, "GET", "/")[2]
    assert "No variant is a scalable target" in send(arranged, "GET", "/_local/console/endpoints/nightly")[2]


def test_faults_and_times_are_on_the_pages(owner: Account, place: Path) -> None:
    name = owner.deploy(owner.config(owner.upload(echo("word"))))["EndpointName"]
    control.fault(place, "throttle", operation="DeleteModel", endpoint=name, times=2)
    control.fault(place, "ping", endpoint="another", times=1)
    control.set_times(place, idle=30)
    try:
        _, _, whole = send(owner, "GET", "/")
        _, _, text = send(owner, "GET", f"/_local/console/endpoints/{name}")
    finally:
        control.clear_faults(place)
        control.set_times(place, idle=300)
    for page_text in (whole, text):
        assert f"<p>throttle in DeleteModel at {name}, 2 more times</p>" in page_text
        assert "<dt>idle</dt><dd>30 s</dd>" in page_text
    assert ("<p>ping at another, once more</p>" in whole, "<p>ping at another" in text) == (True, False)


def test_an_asynchronous_endpoint_is_not_invoked_from_the_page(account: Account) -> None:
    output = {"OutputConfig": {"S3OutputPath": "s3://models/answers"}}
    name = account.serve(account.model(account.upload(echo("async"))), AsyncInferenceConfig=output)
    _, _, text = send(account, "GET", f"/_local/console/endpoints/{name}")
    assert "This endpoint is asynchronous" in text
    assert "<form" not in text


def test_the_pictures_of_the_docs_are_taken_as_they_are_told(arranged: Account, page: Browser, tmp_path: Path) -> None:
    files = take(page, arranged.url, tmp_path)
    page.look(width=1280)
    sizes = {file.name: picture_size(file) for file in files}
    assert {(width, int(name.split("-")[1])) for name, (width, _) in sizes.items()} == {(1200, 1200), (420, 420)}
    assert len({file.read_bytes() for file in files}) == len(files) == 8
    assert {file.name: picture_size(file)[0] for file in PICTURES.glob("*.png")} == {
        name: width for name, (width, _) in sizes.items()
    }
    page_text = (ROOT / "components/sagebridge/local/README.md").read_text()
    assert [name for name in sizes if f"docs/console/{name}" not in page_text] == []


def picture_size(file: Path) -> tuple[int, int]:
    """Returns the width and the height of a PNG."""
    width, height = struct.unpack(">II", file.read_bytes()[16:24])
    return width, height


def test_a_press_of_the_button_predicts(arranged: Account, page: Browser) -> None:
    page.goto(arranged.url)
    page.click("button[aria-label='Invoke nightly with the sample row']")
    assert page.text("h1") == "nightly"
    assert json.loads(page.text("#answer pre"))["Predictions"] == [pytest.approx(PREDICTION, abs=1e-9)]
    assert "AllTraffic · " in page.text("#answer")
    assert page.ask("document.querySelector('textarea').value") == SAMPLE


def test_what_is_typed_into_the_form_is_sent(arranged: Account, page: Browser) -> None:
    page.goto(f"{arranged.url}/_local/console/endpoints/nightly")
    page.write("#body", '{"Input":\n "no rows"}')
    page.click("main form button")
    assert "ModelError" in page.text("#answer")
    assert page.ask("document.querySelector('textarea').value") == '{"Input":\n "no rows"}'
    assert "424" in page.text(".invocations tbody tr")  # the newest of its invocations


def test_a_models_answer_is_shown_and_not_run(account: Account, page: Browser) -> None:
    name = account.deploy(account.config(account.upload(pack({"inference.py": SCRIPT}))))["EndpointName"]
    path = f"/_local/console/endpoints/{name}"
    _, headers, text = send(account, "POST", path, urlencode({"body": "<b>", "content_type": "text/plain"}), **FORM)
    assert "&lt;script&gt;document.title" in text
    assert "<script" not in text
    assert "<b>" not in text
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    page.goto(account.url + path)
    page.click("main form button")
    assert page.text("#answer pre") == "<script>document.title = 'taken over'</script>"
    assert page.ask("document.title") == f"{name} · local AWS"


def test_s3_keeps_the_address_for_who_signs(account: Account) -> None:
    signed = account.s3.list_buckets()
    assert "models" in [bucket["Name"] for bucket in signed["Buckets"]]
    status, headers, text = send(account, "GET", "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Endpoints</h1>" in text
    presigned = urlsplit(account.s3.generate_presigned_url("list_buckets"))
    assert "<ListAllMyBucketsResult" in send(account, "GET", f"{presigned.path or '/'}?{presigned.query}")[2]
    account.s3.put_object(Bucket="models", Key="hello.txt", Body=b"hello")
    presigned = urlsplit(account.s3.generate_presigned_url("get_object", {"Bucket": "models", "Key": "hello.txt"}))
    assert send(account, "GET", f"{presigned.path}?{presigned.query}")[::2] == (200, "hello")
    assert "<h1>" not in send(account, "GET", "/models")[2]


def test_another_sites_page_cannot_press_the_button(account: Account) -> None:
    name = account.deploy(account.config(account.upload(echo("asked"))))["EndpointName"]
    path = f"/_local/console/endpoints/{name}"
    form = urlencode({"body": "{}", "content_type": "application/json"})
    for origin in ("https://example.com", "null"):
        status, _, text = send(account, "POST", path, form, Origin=origin, **FORM)
        assert status == 403
        assert "asked" not in text
    assert "None since the server started" in send(account, "GET", path)[2]
    status, _, text = send(account, "POST", path, form, Origin=account.url, **FORM)
    assert status == 200
    assert "asked" in text[text.index('id="answer"') :]


def test_the_last_invocations_are_kept_and_no_more(account: Account) -> None:
    name = account.deploy(account.config(account.upload(echo("many"))))["EndpointName"]
    for _ in range(RECENT + 2):
        account.invoke(name)
    assert send(account, "GET", "/")[2].count(f'<td class="name">{name}</td>') == RECENT


def test_the_endpoints_page_has_its_log_and_its_timeline(arranged: Account) -> None:
    _, _, text = send(arranged, "GET", "/_local/console/endpoints/rents")
    assert "aws logs tail /aws/sagemaker/Endpoints/rents" in text
    assert "There is no object at s3://models/rents/model.tar.gz." in text
    timeline = text[text.index("<h2>Timeline</h2>") :]
    assert timeline.index(">Failed<") < timeline.index(">Creating<")


def test_the_page_of_an_endpoint_has_the_ends_of_its_logs(account: Account, page: Browser) -> None:
    prints = "print('<b>bold</b>', 'x' * 5000, *range(300), sep='\\n')\n"
    first, second = [prints + ECHO.format(word=word) + f"print({word!r})\n" for word in ("first", "second")]
    name = account.deploy(account.config(account.upload(pack({"inference.py": first}))))["EndpointName"]
    account.update(name, account.config(account.upload(pack({"inference.py": second}))))
    page.look(width=420)
    page.goto(f"{account.url}/_local/console/endpoints/{name}")
    assert page.ask("document.documentElement.scrollWidth") == 420
    log = page.ask("[...document.querySelectorAll('details')].map(log => [log.open, log.innerText])")
    assert [is_open for is_open, _ in log] == [True, False]  # the newest comes first
    assert log[0][1].startswith("AllTraffic/i-")
    shown = log[0][1].splitlines()[1:]
    assert [line.partition(" ")[2] for line in shown] == [*map(str, range(201, 300)), "second"]
    assert "first" in page.ask("document.querySelectorAll('details pre')[1].textContent")


def test_a_log_on_the_page_is_text_and_its_lines_are_cut(account: Account) -> None:
    handler = ECHO.format(word="x") + "print('<b>bold</b>', 'x' * 5000, sep='\\n')\n"
    name = account.deploy(account.config(account.upload(pack({"inference.py": handler}))))["EndpointName"]
    _, _, text = send(account, "GET", f"/_local/console/endpoints/{name}")
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "<b>" not in text
    assert "x" * 1000 in text
    assert "x" * 1001 not in text


@pytest.mark.parametrize("path", ["/_local/console/endpoints/nothing", "/_local/console/", "/_local/console/../x<b>"])
def test_where_there_is_nothing_it_says_so(account: Account, path: str) -> None:
    status, _, text = send(account, "GET", path)
    assert status == 404
    assert "There is no page or endpoint at" in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"body": "{}", "content_type": "text/plain\r\nX-Evil: 1"}, "printable ASCII"),
        ({"body": "{}", "content_type": "é"}, "printable ASCII"),
        ({"body": "x" * (6 * 1024**2 + 1), "content_type": "text/plain"}, "less than or equal to 6291456"),
        ({}, "word"),
    ],
)
def test_a_form_that_no_browser_would_send_is_answered_too(
    account: Account, fields: dict[str, str], message: str
) -> None:
    name = account.deploy(account.config(account.upload(echo("word"))))["EndpointName"]
    status, _, text = send(account, "POST", f"/_local/console/endpoints/{name}", urlencode(fields), **FORM)
    assert status == 200
    assert message in text


def test_the_sample_row_is_the_articles() -> None:
    assert contract.SAMPLE == SAMPLE
