"""A Chromium without a window, driven over its DevTools protocol by a pair of pipes. It reaches loopback alone."""

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

# Everything here is on this machine; a slow one may take its time to start a browser.
PATIENCE = 60
LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}


class Failed(Exception):
    """What was expected did not come."""


class Browser:
    """A running browser. Knows every address that its pages asked for."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(prefix="eventdesk-browser-")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--disable-dev-shm-usage", "--window-size=1280,1600", "--no-proxy-server",
            # Names lead nowhere; only addresses on this machine are reached.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            f"--user-data-dir={self.folder.name}/profile", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        # It reads at 3 and writes at 4.
        pipes = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self.log = open(Path(self.folder.name) / "log", "w+")
        self.process = subprocess.Popen(
            ["bash", "-c", pipes, "bash", *command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=(to_browser, from_browser),
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self.rest = b""
        self.number = 0
        self.answers = {}
        # The pages, by session: addresses asked for, and what they complained about.
        self.pages = {}
        self.asked = []
        self.complaints = []
        self.call("Target.setDiscoverTargets", discover=True)
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        os.close(self.write_end)
        self.log.close()
        # Its children end a moment after it, and write until then.
        until = time.monotonic() + 10
        while True:
            try:
                return self.folder.cleanup()
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def call(self, method, session=None, **params):
        """What the browser answers to a command."""
        number = self.send(method, session, **params)
        until = time.monotonic() + PATIENCE
        while number not in self.answers:
            self.take(until, method)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def send(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        return self.number

    def take(self, until, why):
        """Takes what has come by then, and waits for something if nothing has."""
        while b"\0" not in self.rest:
            left = until - time.monotonic()
            if left <= 0:
                raise Failed(f"no answer in time: {why}")
            if select.select([self.read_end], [], [], left)[0]:
                part = os.read(self.read_end, 1 << 20)
                if not part:
                    self.log.seek(0)
                    raise Failed(f"the browser ended: {self.log.read()[-2000:]}")
                self.rest += part
        whole, self.rest = self.rest.split(b"\0", 1)
        self.heed(json.loads(whole))

    def heed(self, message):
        if "id" in message:
            self.answers[message["id"]] = message
            return
        params, session = message.get("params", {}), message.get("sessionId")
        match message["method"]:
            case "Target.attachedToTarget" if params["targetInfo"]["type"] == "page":
                session = params["sessionId"]
                self.pages[session] = params["targetInfo"]["targetId"]
                for domain in ("Page", "Runtime", "Network", "Log"):
                    self.send(f"{domain}.enable", session)
                # A window that a page opens waits for whoever follows the page.
                self.send("Runtime.runIfWaitingForDebugger", session)
            case "Target.detachedFromTarget":
                self.pages.pop(params["sessionId"], None)
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"].get("exception", {}).get("description")))

    def page(self, matches, why):
        """The first page for which this holds, once there is one."""
        return self.wait(lambda: next((Page(self, session) for session in list(self.pages) if matches(session)), None), why)

    def wait(self, look, why):
        """What `look` finds, as soon as it is something."""
        until = time.monotonic() + PATIENCE
        while not (found := look()):
            if time.monotonic() > until:
                raise Failed(f"never happened: {why}; complaints: {self.complaints[-5:]}")
            try:
                self.take(time.monotonic() + 0.05, why)
            except Failed:
                if self.process.poll() is not None:
                    raise
        return found

    def elsewhere(self):
        """Addresses asked for that are not on this machine."""
        own = ("http", "https", "ws", "wss")
        return [url for url in self.asked if urlsplit(url).scheme in own and urlsplit(url).hostname not in LOOPBACK]


class Page:
    """One page."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def evaluate(self, expression):
        """The value of an expression in the page; none while it cannot be had, such as on the way to another page."""
        try:
            answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        except Failed:
            return None
        return answer["result"].get("value")

    def go(self, url):
        self.call("Page.navigate", url=url)

    def see(self, expression, why):
        """Waits until an expression in the page is true of it."""
        return self.browser.wait(lambda: self.evaluate(expression), why)

    def click(self, element, why):
        """Clicks with the mouse in the middle of an element, which an expression names, once it is to be seen."""
        # Where it is once it has come to rest.
        place = f"""(() => {{
          const element = {element};
          if (!element || element.disabled) return null;
          element.scrollIntoView({{ block: "center", behavior: "instant" }});
          const box = element.getBoundingClientRect();
          if (!box.width || !box.height) return null;
          const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
          const top = document.elementFromPoint(x, y);
          return top && (element.contains(top) || top.contains(element)) ? [x, y] : null;
        }})()"""
        x, y = self.see(place, why)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, element, text, why):
        """Types into an element."""
        self.click(element, why)
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
