"""A headless Chromium and one page in it, driven over the DevTools protocol: JSON messages on two pipes."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self


class Browser:
    """One page of a browser that ends with the block.

    Args:
        executable: a Chromium; libraries in a folder `lib` beside it come before the system's.
    """

    def __init__(self, executable: Path) -> None:
        self._executable = executable
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs, ours = os.pipe()
        answers, answered = os.pipe()
        command = [str(self._executable), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={self._profile.name}"]
        self._process = subprocess.Popen(  # the protocol's pipes are descriptors 3 and 4
            ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{answered}', "bash", *command],
            env={**os.environ, "LD_LIBRARY_PATH": str(self._executable.parent / "lib")},
            pass_fds=(theirs, answered),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answered)
        self._ours = os.fdopen(ours, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb")
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self._call("Page.setLifecycleEventsEnabled", enabled=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._ours.close()
        self._answers.close()
        self._profile.cleanup()

    def goto(self, url: str) -> None:
        """Opens a page, and waits until it is there with all that it needs."""
        self._loaded(self._call("Page.navigate", url=url)["loaderId"])

    def look(self, *, width: int, height: int = 800, dark: bool = False) -> None:
        """Sets the window's size in CSS pixels, and light or dark colours."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def text(self, selector: str = "body") -> str:
        """Returns what a person reads in the first element that a CSS selector finds."""
        text: str = self.ask(f"document.querySelector({json.dumps(selector)}).innerText")
        return text

    def ask(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def write(self, selector: str, text: str) -> None:
        """Types into an empty field of a form, or in place of what it has."""
        self.ask(f"document.querySelector({json.dumps(selector)}).select()")
        self._call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Clicks with the mouse on an element, and waits for the page that this opens."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{found}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.ask(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({found}.getBoundingClientRect())")
        before = len(self._events)
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self._loaded(self._wait("Page.frameNavigated", before)["frame"]["loaderId"])

    def forget(self) -> None:
        """Forgets the requests and complaints so far, which another test may have caused."""
        self._events.clear()

    def complaints(self) -> list[str]:
        """Returns what the browser's console says is wrong, such as what a Content-Security-Policy kept out."""
        self._call("Runtime.evaluate", expression="0")
        return [event["params"]["entry"]["text"] for event in self._events if event["method"] == "Log.entryAdded"]

    def requests(self) -> list[str]:
        """Returns the addresses that were asked for."""
        sent = [event for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def screenshot(self) -> bytes:
        """Returns a PNG of the window."""
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if not method.startswith("Target."):
            message["sessionId"] = self._session
        self._ours.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _loaded(self, loader: str) -> None:
        """Waits until a page is there with all that it needs."""
        self._wait("Page.lifecycleEvent", name="load", loaderId=loader)

    def _wait(self, event: str, after: int = 0, **members: object) -> dict[str, Any]:
        """Waits for an event with some members, and returns all its members; the first ``after`` events are past."""
        number = after
        while True:
            while number == len(self._events):
                self._events.append(self._read())
            found: dict[str, Any] = self._events[number].get("params", {})
            if self._events[number]["method"] == event and all(found.get(k) == v for k, v in members.items()):
                return found
            number += 1

    def _read(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser ended"
            message += byte
        answer: dict[str, Any] = json.loads(message)
        return answer
