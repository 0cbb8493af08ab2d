"""Opens a profile in snakeviz, in a headless Chromium, and takes a picture.

Run by a Python that has snakeviz (whose web server, tornado, also speaks to Chromium).
Chromium's own ``--screenshot`` comes too early: snakeviz computes its chart in a web
worker, which neither the load event nor virtual time waits for. So the page is asked
over the DevTools protocol until the chart is there.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient
from tornado.netutil import bind_sockets
from tornado.websocket import WebSocketClientConnection, websocket_connect

T = TypeVar("T")

PATIENCE_SECONDS = 60
WIDTH, HEIGHT = 1280, 1000
CHROMIUM = [
    "chromium",
    "--headless",
    "--no-sandbox",  # it needs privileges that a container does not give
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    f"--window-size={WIDTH},{HEIGHT}",
]
# The chart is a box for each call; while the worker computes there is none.
BOXES_DRAWN = "document.querySelectorAll('#chart rect').length"
MAX_DEVTOOLS_MESSAGE = 64 * 2**20


class Page:
    """One page of a Chromium, driven over the DevTools protocol."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        """Take over `connection`, the page's own."""
        self._connection = connection
        self._last_id = 0

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; events are passed over."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        await self._connection.write_message(json.dumps(message))
        while True:
            text = await self._connection.read_message()
            if text is None:
                raise SystemExit("Chromium went away.")
            answer = json.loads(text)
            if answer.get("id") == self._last_id:
                return answer["result"]

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = await self.command("Runtime.evaluate", expression=expression)
        return answer["result"].get("value")


async def eventually(ask: Callable[[], Awaitable[T | None]], what: str) -> T:
    """The first true answer; an error that says what was waited for."""
    for _ in range(PATIENCE_SECONDS * 10):
        with contextlib.suppress(OSError):
            if answer := await ask():
                return answer
        await asyncio.sleep(0.1)
    raise SystemExit(f"{what}: not within {PATIENCE_SECONDS} seconds.")


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    """A server that runs as long as the block, and writes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    except SystemExit:
        sys.stderr.write(log.read_text("utf-8", "replace"))
        raise
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    (socket,) = bind_sockets(0, "127.0.0.1")
    with socket:
        return socket.getsockname()[1]


async def get(url: str) -> bytes:
    """What a web server answers."""
    return (await AsyncHTTPClient().fetch(url)).body


async def open_page(chromium_data: Path, url: str) -> Page:
    """A page of the Chromium that keeps its data there, on its way to `url`."""

    async def port() -> str | None:
        return (chromium_data / "DevToolsActivePort").read_text("ascii").split()[0]

    address = f"http://127.0.0.1:{await eventually(port, 'Chromium')}/json/list"
    targets = json.loads(await get(address))
    target = next(target for target in targets if target["type"] == "page")
    page = Page(
        await websocket_connect(
            target["webSocketDebuggerUrl"], max_message_size=MAX_DEVTOOLS_MESSAGE
        )
    )
    await page.command("Page.navigate", url=url)
    return page


async def picture_of(url: str, chromium_data: Path) -> bytes:
    """The chart at `url`, as a PNG."""
    await eventually(lambda: get(url), "snakeviz")
    page = await open_page(chromium_data, url)
    boxes = await eventually(lambda: page.evaluate(BOXES_DRAWN), "The chart")
    print(f"In a headless Chromium snakeviz drew {boxes} boxes", end="; ")
    answer = await page.command("Page.captureScreenshot", format="png")
    return base64.b64decode(answer["data"])


def main() -> None:
    """Take the picture that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("profile", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    profile = str(options.profile.resolve(strict=True))
    port = free_port()
    url = f"http://127.0.0.1:{port}/snakeviz/{quote(profile, safe='')}"
    server = [sys.executable, "-m", "snakeviz", "--server", "--hostname", "127.0.0.1"]
    server += ["--port", str(port), profile]
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "chromium")
        chromium = [*CHROMIUM, f"--user-data-dir={data}", "about:blank"]
        with (
            running(server, Path(scratch, "snakeviz.log")),
            running(chromium, Path(scratch, "chromium.log")),
        ):
            options.picture.write_bytes(asyncio.run(picture_of(url, data)))
    print(f"{options.picture} is the picture")


if __name__ == "__main__":
    main()
