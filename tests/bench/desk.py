"""A server of its own for a bench, and callers that cost little: Python's standard library, loopback only."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "passWord@1"
SETTINGS = {
    "EVENTDESK_LISTEN": "127.0.0.1:0",
    "EVENTDESK_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
    "EVENTDESK_LIMITS_REQUESTS_PER_MINUTE_PER_PRINCIPAL": "0",
    "EVENTDESK_LIMITS_LOGIN_FAILURES_PER_MINUTE": "0",
}


class Answer:
    def __init__(self, status, head, body):
        self.status, self.head, self.body = status, head, body

    def header(self, name):
        wanted = name.lower().encode() + b":"
        for line in self.head.split(b"\r\n"):
            if line.lower().startswith(wanted):
                return line[len(wanted):].strip().decode()
        return None

    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        if self.status != status:
            raise RuntimeError(f"answered {self.status}, not {status}: {self.body[:500]!r}")
        return self


class Caller:
    """One keep-alive connection. http.client costs three times the CPU, which here would be the server's."""

    def __init__(self, address, token=None):
        self.address, self.token, self.socket, self.buffer = address, token, None, b""

    def another(self):
        return Caller(self.address, self.token)

    def ask(self, method, path, body=None, headers=""):
        if self.socket is None:
            self.socket = socket.create_connection(self.address, timeout=30)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = f"{method} /api/v1{path} HTTP/1.1\r\nHost: {self.address[0]}:{self.address[1]}\r\n{headers}"
        if self.token:
            lines += f"Authorization: Bearer {self.token}\r\n"
        data = b""
        if body is not None:
            form = isinstance(body, str)
            data = body.encode() if form else json.dumps(body).encode()
            kind = "application/x-www-form-urlencoded" if form else "application/json"
            lines += f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
        self.socket.sendall(lines.encode() + b"\r\n" + data)
        return self.read()

    def read(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.more()
        head, self.buffer = self.buffer[:end], self.buffer[end + 4:]
        answer = Answer(int(head[9:12]), head, b"")
        length = answer.header("content-length")
        if length is None and answer.status not in (204, 304):
            raise RuntimeError(f"an answer without a length: {head!r}")
        length = int(length or 0) if answer.status != 304 else 0
        while len(self.buffer) < length:
            self.more()
        answer.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return answer

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise RuntimeError("the server closed the connection")
        self.buffer += got


class Desk:
    """A running server on a folder of its own; `with Desk() as desk`."""

    def __init__(self, **settings):
        self.binary = os.environ.get("DESK_SERVER") or sys.exit("DESK_SERVER names no server: use tests/bench/run")
        self.folder = tempfile.TemporaryDirectory(prefix="eventdesk-bench-")
        self.data = os.path.join(self.folder.name, "data")
        self.settings = {**SETTINGS, "EVENTDESK_DATA": self.data, **settings}
        self.process, self.threads = None, {}

    def __enter__(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("EVENTDESK_")}
        log = open(os.path.join(self.folder.name, "server.log"), "wb")
        self.process = subprocess.Popen([self.binary, "serve"], env={**env, **self.settings}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=log, text=True)
        for line in self.process.stdout:
            if "http://" in line:
                url = urllib.parse.urlsplit(line[line.index("http://"):].split()[0].rstrip("/."))
                self.address = (url.hostname, url.port)
                break
        else:
            with open(log.name) as f:
                sys.exit(f"the server did not start:\n{f.read()[-4000:]}")
        # Read on, so that the server never blocks on a full pipe.
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()
        self.token = self.login()
        self.caller = self.another()
        self.employee = self.caller.ask("POST", "/employees", {
            "first_name": "Marry", "last_name": "Fox", "email": "marry.fox@example.com", "phone": "+380501234567",
        }).expect(201).json()["id"]
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def login(self):
        form = urllib.parse.urlencode({"grant_type": "password", "username": "admin", "password": PASSWORD})
        return Caller(self.address).ask("POST", "/token", form).expect(200).json()["access_token"]

    def another(self):
        return Caller(self.address, self.token)

    def ticket(self, n):
        return {"title": f"Network problem {n}", "description": "The employee cannot access network resources.",
                "employee_id": self.employee}

    def fill(self, count, connections=32):
        """Opens tickets over several connections; their ids."""
        ids = in_parallel(connections, count, lambda caller, n: caller.ask(
            "POST", "/tickets", self.ticket(n)).expect(201).json()["id"], self.another)
        self.until(lambda: self.total("/tickets") == count, f"{count} tickets in the list")
        return ids

    def total(self, path):
        mark = "&" if "?" in path else "?"
        return self.caller.ask("GET", f"{path}{mark}limit=1&include=total").expect(200).json()["total"]

    def until(self, done, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise RuntimeError(f"not within {seconds} s: {what}")
            time.sleep(0.02)

    def settle(self, seconds=60):
        """Waits until the server has done nothing to speak of for three seconds."""
        deadline, quiet = time.monotonic() + seconds, 0
        while quiet < 3 and time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(1)
            quiet = quiet + 1 if self.cpu_seconds() - before < 0.02 else 0

    def cpu_seconds(self):
        """CPU time of all threads so far, to the microsecond; of ended ones as far as it was seen."""
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            try:
                with open(f"{tasks}/{task}/schedstat") as f:
                    used = int(f.read().split()[0])
                with open(f"{tasks}/{task}/stat") as f:
                    started = f.read().rsplit(")", 1)[1].split()[19]
            except OSError:  # the thread has just ended
                continue
            self.threads[task, started] = used
        return sum(self.threads.values()) / 1e9

    def memory(self):
        """Memory in MiB, by its names in /proc."""
        found = {}
        for name in ("smaps_rollup", "status"):
            with open(f"/proc/{self.process.pid}/{name}") as f:
                for line in f:
                    key, _, rest = line.partition(":")
                    if key in ("Rss", "Pss", "Anonymous", "VmHWM"):
                        found[key] = int(rest.split()[0]) / 1024
        return found


def in_parallel(connections, count, work, caller):
    """work(caller, n) for n below count, on so many connections; the results in any order."""
    lock, left, results, wrong = threading.Lock(), iter(range(count)), [], []

    def run():
        own = caller()
        while not wrong:
            with lock:
                n = next(left, None)
            if n is None:
                return
            try:
                results.append(work(own, n))
            except Exception as error:  # told below, by the thread that waits
                wrong.append(error)

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    return results


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(name, rows, result, bound=None):
    """Prints the table and the JSON, writes the file, and ends with 1 if a bound was missed."""
    width = max(len(str(row[0])) for row in rows)
    for row in rows:
        print(f"{row[0]:<{width}}  " + "  ".join(f"{cell:>12}" for cell in row[1:]))
    within = None
    if bound:
        text, within = bound
        print(f"bound: {text}: {'reached' if within else 'MISSED'}")
    line = json.dumps({"bench": name, "cores": os.cpu_count(), **result, "within_bound": within})
    print(line)
    os.makedirs(os.path.join(HERE, "results"), exist_ok=True)
    with open(os.path.join(HERE, "results", f"{name}.json"), "w") as f:
        f.write(line + "\n")
    sys.exit(0 if within in (None, True) else 1)
