"""A real browser without a screen: Chromium, as the wheels of Qt bring it.

It runs in a process of its own, because Qt wants the main thread, and takes orders as lines of
JSON. Run as a program, this file is that process.
"""

import json
import os
import subprocess
import sys
import time


class Browser:
    """One tab."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            text=True,
        )

    @staticmethod
    def missing() -> str | None:
        """Return why there is no browser here, or None."""
        told = subprocess.run(
            [sys.executable, "-c", "from PySide6 import QtWebEngineWidgets"],
            env=_environment(),
            capture_output=True,
            text=True,
        )
        if told.returncode == 0:
            return None
        return f'pip install "danqing[browser]": {told.stderr.strip().splitlines()[-1]}'

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, url: str) -> None:
        """Go to a page, and return when it is there."""
        self._order("open", url)

    def reload(self) -> None:
        """Load the page again, and return when it is there."""
        self._order("reload", None)

    def press(self, key: str) -> None:
        """Press a key, by its name in Qt."""
        self._order("press", key)

    def run(self, script: str):
        """Return what an expression of JavaScript is in the page."""
        return self._order("run", script)

    def picture(self, path: str) -> None:
        """Save what the window shows."""
        self._order("picture", path)

    def complaints(self) -> list[str]:
        """Return what the page wrote to its console, refusals by its policy among it."""
        return self._order("complaints", None)

    def wait(self, script: str, seconds: float = 30) -> None:
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, (script, self.run("document.body.innerText"))
            time.sleep(0.02)

    def _order(self, verb: str, value: str | None):
        self._process.stdin.write(json.dumps([verb, value]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the browser ended at {verb} {value}"
        return json.loads(line)


def _environment() -> dict[str, str]:
    more = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu"}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        more["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium's sandbox refuses to run as root
    return os.environ | more | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def main() -> None:
    """Take orders until there are no more."""
    from PySide6.QtCore import QSocketNotifier, Qt, QUrl
    from PySide6.QtTest import QTest
    from PySide6.QtWebEngineCore import QWebEnginePage
    from PySide6.QtWebEngineWidgets import QWebEngineView
    from PySide6.QtWidgets import QApplication

    complaints: list[str] = []

    class Page(QWebEnginePage):
        def javaScriptConsoleMessage(self, level, message, line, source):  # noqa: N802
            complaints.append(f"{message} ({source}:{line})")

    application = QApplication(sys.argv[:1])
    view = QWebEngineView()
    page = Page(view)
    view.setPage(page)
    view.resize(1100, 700)
    view.show()

    def answer(value: object) -> None:
        print(json.dumps(value), flush=True)

    def told(text: str) -> None:
        answer(json.loads(text or '"the script failed"'))

    def loaded(_: bool) -> None:
        page.loadFinished.disconnect(loaded)
        view.setFocus()
        answer(None)

    def take() -> None:
        line = sys.stdin.readline()
        if not line:
            application.quit()
            return
        verb, value = json.loads(line)
        if verb in ("open", "reload"):
            page.loadFinished.connect(loaded)
            view.load(QUrl(value)) if verb == "open" else view.reload()
        elif verb == "press":
            QTest.keyClick(view.focusProxy(), getattr(Qt.Key, f"Key_{value}"))
            answer(None)
        elif verb == "run":
            # As text: Qt makes empty strings of some values.
            page.runJavaScript(f"JSON.stringify({value}) ?? 'null'", 0, told)
        elif verb == "picture":
            view.grab().save(value)
            answer(None)
        else:
            answer(complaints)

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(take)
    application.exec()


if __name__ == "__main__":
    main()
