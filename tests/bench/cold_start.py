"""From spawning a function's release binary to its first answer, beside a function that does nothing.

Each case is a process under a Lambda Runtime API of this program, on a stack that is deployed to the emulation of AWS,
with MongoDB as the tests have it, without TLS. What stands in front of the emulation answers from memory what it has
answered once: an emulator's own time is not the function's. The cases of one round follow one another, so that all of
them share what else the machine does; CPU time is the figure to trust where that is much.
"""
import argparse
import base64
import glob
import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from desk import report

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
MOST_MS, MOST_TIMES = 20, 5
STACK = f"cold-start-{os.getpid()}"
NEXT = "/2018-06-01/runtime/invocation/next"
HEALTH = {
    "version": "2.0", "routeKey": "GET /health", "rawPath": "/health", "rawQueryString": "",
    "headers": {"host": "localhost"}, "isBase64Encoded": False,
    "requestContext": {
        "accountId": "000000000000", "apiId": "local", "domainName": "localhost", "domainPrefix": "local",
        "http": {"method": "GET", "path": "/health", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench"},
        "requestId": "r", "routeKey": "GET /health", "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1767225600000,
    },
}
# One function of each set of dependencies, with the event that it answers first.
CASES = {
    "command-ticket": HEALTH,
    "query-ticket": HEALTH,
    "identity": HEALTH,
    "authorizer": {**HEALTH, "type": "REQUEST", "routeArn": "arn", "identitySource": ["Bearer none"]},
    "projector-ticket": {"Records": []},
    # Its answer is a whole run over the store: timed is when it first asks for something to do.
    "audit": None,
}


# Lambda's system has its certificate authorities in one file. Elsewhere each may be a file besides, and reading those is
# more than all else that a function does before it asks for its first event.
AUTHORITIES = next(filter(os.path.exists, (
    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")), "")


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is one packet

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def answer(self, status, body=b"", headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Run:
    """One spawned process: its clock, and the events still to hand out."""

    def __init__(self, event, warm):
        self.event, self.left = json.dumps(event).encode(), 1 + warm if event else 0
        self.init = self.first = self.sent = self.cpu = self.error = self.pid = None
        self.warm, self.done, self.over = [], threading.Event(), threading.Event()


class RuntimeApi(Quiet):
    """The calls of the Lambda Runtime API that a function makes."""

    def do_GET(self):
        now, run = time.perf_counter_ns(), self.server.run
        if self.path == "/2020-01-01/extension/event/next":
            run.over.wait()  # none comes
            self.close_connection = True
            return None
        if self.path != NEXT:
            return self.answer(404)
        run.init = run.init or now
        if run.left == 0:  # it is ended while it waits here
            if run.first is None:
                run.first, run.cpu = now, cpu_ns(run.pid)
            run.done.set()
            run.over.wait()
            self.close_connection = True
            return None
        run.left -= 1
        self.answer(200, run.event, (
            ("Lambda-Runtime-Aws-Request-Id", f"00000000-0000-4000-8000-{run.left:012d}"),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 30) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:bench"),
            ("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0"),
        ))
        run.sent = time.perf_counter_ns()
        return None

    def do_POST(self):
        now, run, body = time.perf_counter_ns(), self.server.run, self.body()
        if self.path == "/2020-01-01/extension/register":
            told = {"functionName": "bench", "functionVersion": "$LATEST", "handler": "bench"}
            return self.answer(200, json.dumps(told).encode(), (("Lambda-Extension-Identifier", "bench"),))
        if self.path.endswith("/error"):
            run.error = body.decode(errors="replace")[:500]
        elif run.first is None:
            run.first, run.cpu = now, cpu_ns(run.pid)
        else:
            run.warm.append(now - run.sent)
        self.answer(202)
        if run.error:
            run.done.set()
        return None


class Remembering(Quiet):
    """In front of the emulation of AWS: the same question gets the same answer, from memory."""

    def do_POST(self):
        asked = self.body()
        key = (self.path, self.headers.get("X-Amz-Target"), asked)
        known = self.server.known.get(key)
        if known is None:
            upstream = http.client.HTTPConnection(self.server.upstream, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
            upstream.request("POST", self.path, asked, headers)
            got = upstream.getresponse()
            known = (got.status, got.read(), [(k, v) for k, v in got.getheaders() if k.lower() in ("content-type", "x-amzn-requestid", "x-amz-crc32")])
            upstream.close()
            if self.server.remembers:
                self.server.known[key] = known
        self.answer(*known)


def serve(handler, **state):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # the connections of an ended process
    for name, value in state.items():
        setattr(server, name, value)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def cpu_ns(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path) as f:
                total += int(f.read().split()[0])
        except OSError:
            pass  # the thread has just ended
    return total


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next((int(line.split()[1]) for line in f if line.startswith("VmHWM")), 0) / 1024


def once(api, binary, settings, event, warm, timeout):
    run = api.run = Run(event, warm)
    env = {"PATH": os.environ["PATH"], "TZ": "UTC", "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}", **settings}
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter_ns()
        child = subprocess.Popen([binary], env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        run.pid = child.pid
        try:
            deadline = time.monotonic() + timeout
            while not run.done.wait(0.02) and child.poll() is None and time.monotonic() < deadline:
                pass
            peak = peak_mib(child.pid) if child.poll() is None else 0
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
            run.over.set()
        if run.error or run.first is None:
            log.seek(0)
            sys.exit(f"{binary}: {run.error or 'no answer'}\n{log.read()[-2000:].decode(errors='replace')}")
    return {
        "init_ms": (run.init - start) / 1e6, "first_ms": (run.first - start) / 1e6, "cpu_ms": run.cpu / 1e6,
        "warm_ms": statistics.median(run.warm) / 1e6 if run.warm else 0, "peak_mib": peak,
    }


class Service:
    """A program of tests/services, for as long as the block lasts; its first line says where it is."""

    def __init__(self, name, known):
        self.name, self.said, self.process = name, os.environ.get(known, ""), None

    def __enter__(self):
        if not self.said:
            program = os.path.join(ROOT, "tests", "services", self.name)
            self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True, start_new_session=True)
            self.said = self.process.stdout.readline()
        where = self.said.split()
        return where[0] if where else sys.exit(f"tests/services/{self.name} does not start")

    def __exit__(self, *_):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)


def deploy(aws):
    """The functions of a fresh stack: for each its binary and settings."""
    secret = {"Name": f"/{STACK}/secret", "Value": base64.b64encode(os.urandom(32)).decode(), "Type": "SecureString", "Overwrite": True}
    where = urllib.parse.urlsplit(aws).netloc
    call = http.client.HTTPConnection(where, timeout=30)
    call.request("POST", "/", json.dumps(secret), {
        "X-Amz-Target": "AmazonSSM.PutParameter", "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-central-1/ssm/aws4_request, SignedHeaders=host, Signature=0",
    })
    if (answer := call.getresponse()).status != 200:
        sys.exit(f"the secret was not taken: {answer.read()}")
    with tempfile.TemporaryDirectory() as folder:
        told = os.path.join(folder, "stack.json")
        program = os.path.join(ROOT, "tests", "template-check")
        subprocess.run([program, "--deploy", told, "--url", aws, "--stack", STACK, "--parameter", f"SecretParameter={secret['Name']}",
                        "--parameter", f"MongoDatabase={STACK}"], check=True, stdout=sys.stderr)
        with open(told) as f:
            return json.load(f)["functions"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=30, help="cold starts of each case (30)")
    p.add_argument("--warm", type=int, default=20, help="further events after the first (20)")
    p.add_argument("--timeout", type=float, default=30, help="seconds for one run (30)")
    a = p.parse_args()
    binaries = os.environ.get("DESK_FUNCTIONS") or sys.exit("DESK_FUNCTIONS names no folder: use tests/bench/run")
    empty = os.environ.get("DESK_EMPTY") or sys.exit("DESK_EMPTY names no binary: use tests/bench/run")
    with Service("moto", "EVENTDESK_TEST_AWS_URL") as aws, Service("mongodb", "EVENTDESK_TEST_MONGODB_URI") as views:
        functions = deploy(aws)
        memory = serve(Remembering, known={}, remembers=False, upstream=urllib.parse.urlsplit(aws).netloc)
        base = {
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing", "SSL_CERT_FILE": AUTHORITIES, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{memory.server_port}",
        }
        cases = {"empty": (empty, {**base, "_HANDLER": "empty", "AWS_LAMBDA_FUNCTION_NAME": "empty"}, HEALTH)}
        for handler, event in CASES.items():
            told = functions[handler]
            settings = {**base, **told["settings"], "_HANDLER": handler, "AWS_LAMBDA_FUNCTION_NAME": told["name"]}
            settings["AWS_ENDPOINT_URL"] = base["AWS_ENDPOINT_URL"]
            if "EVENTDESK_VIEWS_URI" in settings:
                settings["EVENTDESK_VIEWS_URI"] = views
            if "EVENTDESK_BUILTIN_ISSUER_URL" in settings:
                settings["EVENTDESK_BUILTIN_ISSUER_URL"] = "http://127.0.0.1"
            cases[handler] = (os.path.join(binaries, told["binary"]), settings, event)
        api, rows = serve(RuntimeApi), {name: [] for name in cases}
        for n in range(-2, a.runs):
            # The first round makes what is made once, such as the issuer's key, and the second one fills the memory.
            memory.remembers = n > -2
            for name, (binary, settings, event) in cases.items():
                row = once(api, shutil.which(binary) or binary, settings, event, a.warm, a.timeout)
                if n >= 0:
                    rows[name].append(row)
    figures = {
        name: {**{key: round(statistics.median(row[key] for row in taken), 2) for key in taken[0]},
               "first_p90_ms": round(sorted(row["first_ms"] for row in taken)[int(len(taken) * 0.9)], 2)}
        for name, taken in rows.items()
    }
    least = figures["empty"]["first_ms"]
    table = [("median", "init ms", "first ms", "p90", "times empty", "cpu ms", "warm ms", "peak MiB")]
    for name, one in figures.items():
        table.append((name, one["init_ms"], one["first_ms"], one["first_p90_ms"], round(one["first_ms"] / least, 1), one["cpu_ms"], one["warm_ms"], round(one["peak_mib"], 1)))
    slowest = max(one["first_ms"] for one in figures.values())
    bound = (f"at most {MOST_MS} ms and {MOST_TIMES} times the empty one", slowest <= min(MOST_MS, MOST_TIMES * least))
    report("cold-start", table, {"runs": a.runs, "figures": figures}, bound)


if __name__ == "__main__":
    main()
