"""Serves moto on a free loopback port, prints the URL, and runs until SIGTERM or SIGINT.

moto's own server is not used for three reasons: moto is not thread-safe, so here one thread answers all requests, one
after the other; a connection for every request costs more than most requests; and some of what moto does takes longer
than all the rest (moto_patches.py).

Because of the one thread a long poll would hold up everybody: receive with WaitTimeSeconds=0.
"""

import importlib
import logging
import os
import signal
import sys

import waitress

# Whatever moto might do with keys of the machine, it must not.
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"

import moto_patches  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402


def main():
    # Requests that wait for the one thread are no news.
    logging.getLogger("waitress.queue").setLevel(logging.CRITICAL)
    moto_patches.apply()
    application = DomainDispatcherApplication(create_backend_app)
    # Loading a service is slow: whoever asks first must not pay for it.
    for service in ("dynamodb", "events", "sqs"):
        importlib.import_module(f"moto.{service}.responses")
    server = waitress.create_server(
        application, host="127.0.0.1", port=0, threads=1, connection_limit=1000, channel_timeout=600
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # Nothing is kept, so nothing is waited for.
        signal.signal(number, lambda *_: os._exit(0))
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    # moto prints now and then; the URL stays the only line.
    sys.stdout = sys.stderr
    server.run()


if __name__ == "__main__":
    main()
