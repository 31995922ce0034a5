"""Programs that run instead of an image, as people may write them: one in Node.js, one in Python."""

NODE = """
const fs = require("fs"), http = require("http"), path = require("path");
const model = fs.readFileSync(path.join(process.env.SM_MODEL_DIR, "model.txt"), "utf8");
http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    if (request.url === "/ping") return response.end();
    if (request.headers.accept === "application/octet-stream") {
      response.setHeader("Content-Type", "application/octet-stream");
      response.setHeader("X-Amzn-SageMaker-Custom-Attributes", "from-node");
      return response.end(body);
    }
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({
      model, headers: request.headers, method: request.method, url: request.url, environment: process.env,
      cwd: process.cwd(), pid: process.pid,
      at_opt: fs.existsSync("/opt/ml/model/model.txt"),
    }));
  });
}).listen(process.env.SAGEBRIDGE_PORT, "127.0.0.1", () => console.log("node listens"));
"""

PYTHON = """
import json, os, signal, socket, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = os.environ.get("MODE", "")
MODELS = {}
NOTES = os.environ.get("NOTES")

def note(text):
    with open(NOTES, "a") as file:
        file.write(text + "\\n")

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if MODE == "hangs":
            time.sleep(60)
        self.reply(503 if MODE == "unhealthy" else 200, b"")

    def do_DELETE(self):
        note(f"unloaded {MODELS.pop(self.path.rpartition('/')[2])[0]}")
        self.reply(200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/models":
            return self.load(**json.loads(body))
        asked = json.loads(body or b"{}")
        if "stream" in asked:
            return self.stream(asked["stream"], asked["go"])
        if "sleep" in asked:
            time.sleep(asked["sleep"])
        if "meet" in asked:  # answers only when that many requests are being answered
            MEETING.wait(20)
        if "status" in asked:
            return self.reply(asked["status"], b"the program's own words")
        answer = {
            "pid": os.getpid(), "port": self.server.server_port, "path": self.path, "children": CHILDREN,
            "model": MODELS.get(self.path.split("/")[2]) if self.path.startswith("/models/") else None,
            "target": self.headers.get("X-Amzn-SageMaker-Target-Model"), "environment": dict(os.environ),
        }
        self.reply(200, json.dumps(answer).encode())

    def load(self, model_name, url):
        if os.path.exists(f"{url}/broken"):
            return self.reply(500, b"this model is broken")
        if model_name in MODELS:
            return self.reply(409, b"")
        if len(MODELS) == int(os.environ.get("ROOM", 2)):
            return self.reply(507, b"the memory is full")
        MODELS[model_name] = open(f"{url}/model.txt").read(), url
        note(f"loaded {MODELS[model_name][0]}")
        self.reply(200, b"")

    def stream(self, kind, go):
        self.send_response(200)
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        for piece in (b"first", b"second"):
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(piece), piece) if kind == "chunked" else piece)
            while piece == b"first" and not os.path.exists(go):
                time.sleep(0.01)
        if kind == "chunked":
            self.wfile.write(b"0\\r\\n\\r\\n")
        self.close_connection = True

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

def end(*_):
    note("asked to end")
    if MODE != "stubborn":
        os._exit(0)

signal.signal(signal.SIGTERM, end)
if MODE == "fails":
    print("a first line")
    print("the weights are not there", file=sys.stderr)
    sys.exit(3)
if MODE == "talks":
    for _ in range(100000):
        print("x" * 300)
    sys.exit("the last word")
if MODE == "deaf":
    time.sleep(60)
CHILDREN = []
if MODE in ("parent", "stubborn"):
    wait = [sys.executable, "-c", "import time; time.sleep(600)"]
    CHILDREN += [subprocess.Popen(wait).pid, subprocess.Popen(wait, start_new_session=True).pid]
    orphan = subprocess.run(["sh", "-c", "setsid sleep 600 >/dev/null & echo $!"], stdout=subprocess.PIPE)
    CHILDREN.append(int(orphan.stdout))
MEETING = threading.Barrier(3)
PORT = int(sys.argv[1] if len(sys.argv) > 1 else os.environ["SAGEBRIDGE_PORT"])
if MODE == "1.0":
    Handler.protocol_version = "HTTP/1.0"
else:
    Handler.protocol_version = "HTTP/1.1"
if MODE == "IPv6":
    ThreadingHTTPServer.address_family = socket.AF_INET6
ThreadingHTTPServer(("::1" if MODE == "IPv6" else "127.0.0.1", PORT), Handler).serve_forever()
"""
"""What it does is said by the variables `MODE` and `ROOM`, and by the request; the file `NOTES` takes its notes."""
