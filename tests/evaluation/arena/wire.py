"""A wire between a browser and a server that remembers every byte that the server sent."""

import socket
import threading


class Wire:
    """Listens on a port of its own and passes everything on, both ways."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sent: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def sent(self) -> bytes:
        """What the server sent so far."""
        return b"".join(self._sent)

    def close(self) -> None:
        """Take no more connections."""
        # Only a shutdown wakes a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink, keep in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._pass, args=(source, sink, keep), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, keep: bool) -> None:
        with source:
            try:
                while data := source.recv(65536):
                    if keep:
                        self._sent.append(data)
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
