"""A server of OpenAI's API with a small language model, trained when it starts, for `sagebridge local image`.

The model predicts each character from the few before it: a softmax regression, trained by NumPy on the text of a file.
The file has questions and answers in turn, each on a line of its own, so the model learns to answer a line with a line.
The server answers as vLLM's does, at `/ping`, `/invocations` and `/v1/chat/completions`, streamed and not.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

SPAN = 8
"""How many characters the model sees."""
END = "\n"


class CharacterModel:
    """Predicts the next character of a text.

    Args:
        corpus: What it is trained on.
    """

    def __init__(self, corpus: str) -> None:
        self._characters = sorted({*corpus, END})
        self._numbers = {character: number for number, character in enumerate(self._characters)}
        size = len(self._characters)
        text = END * SPAN + corpus
        seen = np.array([self._seen(text[place - SPAN : place]) for place in range(SPAN, len(text))])
        targets = np.array([self._numbers[character] for character in corpus])
        self._weights = np.zeros((SPAN * size, size), dtype=np.float32)
        rows = np.arange(len(targets))
        for _ in range(300):
            predicted = _softmax(self._weights[seen].sum(axis=1))
            predicted[rows, targets] -= 1
            gradient = np.zeros_like(self._weights)
            np.add.at(gradient, seen.ravel(), np.repeat(predicted, SPAN, axis=0))
            self._weights -= 4 * gradient / len(targets) ** 0.5

    def continued(self, prompt: str, most: int) -> Iterator[str]:
        """Yields the most likely characters after a prompt, up to the end of the line."""
        text = END * SPAN + prompt
        for _ in range(most):
            scores = self._weights[self._seen(text[-SPAN:])].sum(axis=0)
            character = self._characters[int(scores.argmax())]
            if character == END:
                return
            text += character
            yield character

    def _seen(self, span: str) -> list[int]:
        """Returns the rows of the weights that a text selects, one for each place; an unknown character is a blank."""
        blank = self._numbers.get(" ", 0)
        numbers = [self._numbers.get(character, blank) for character in span]
        return [place * len(self._characters) + number for place, number in enumerate(numbers)]


class Handler(BaseHTTPRequestHandler):
    """Answers as vLLM's server does."""

    protocol_version = "HTTP/1.1"
    model: CharacterModel
    name: str

    def do_GET(self) -> None:
        self._reply(200 if self.path == "/ping" else 404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path not in ("/v1/chat/completions", "/invocations"):
            return self._reply(404, {"message": f"There is no {self.path}."})
        try:
            asked = json.loads(body)
            prompt = asked["messages"][-1]["content"] + END
        except (ValueError, LookupError, TypeError):
            return self._reply(400, {"object": "error", "message": "messages must be given", "code": 400})
        if asked.get("model") not in (None, "", self.name):
            message = f"The model `{asked['model']}` does not exist."
            return self._reply(404, {"object": "error", "message": message, "code": 404})
        characters = self.model.continued(prompt, int(asked.get("max_tokens") or 64))
        if asked.get("stream"):
            return self._stream(characters)
        answer = {"role": "assistant", "content": "".join(characters)}
        self._reply(200, self._completion("chat.completion", message=answer, finish_reason="stop"))
        return None

    def _stream(self, characters: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for character in characters:
            self._event(json.dumps(self._completion("chat.completion.chunk", delta={"content": character})))
            time.sleep(float(os.environ.get("PAUSE", "0")))
        self._event(json.dumps(self._completion("chat.completion.chunk", delta={}, finish_reason="stop")))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, text: str) -> None:
        data = f"data: {text}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _completion(self, kind: str, **choice: Any) -> dict[str, Any]:
        choices = [{"index": 0, "finish_reason": None, **choice}]
        return {"id": "chat-1", "object": kind, "created": int(time.time()), "model": self.name, "choices": choices}

    def _reply(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: np.ndarray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


if __name__ == "__main__":
    Handler.model = CharacterModel(Path(sys.argv[1]).read_text())
    Handler.name = os.environ.get("SM_VLLM_MODEL", "characters")
    sys.stderr.write("the model is trained\n")
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEBRIDGE_PORT"])), Handler).serve_forever()
