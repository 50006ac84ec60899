"""The warm process: has the imports done, and forks one kernel per request.

It is started by `kpi_lib.review.warm` and spoken to by `kpi_lib.review.provisioner`. One connection
is one kernel: a line of JSON asks for it (argv, env, cwd, memory_mb), the answer holds its pid, later
lines send signals, the last answer holds the exit code. A connection that closes ends its kernel;
standard input closes when the driver ends, and then everything ends.

Libraries are imported here, never used: no event loop, no zmq context, no DuckDB connection.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from kpi_lib.review import processes
from kpi_lib.review.warm_imports import preload


class Server:
    """Forks kernels and looks after them."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.kernels: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_write, False)

    def serve(self) -> None:
        """Answer until standard input closes; then end every kernel and return."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.selector.register(self.wake_read, selectors.EVENT_READ, self.reap)
        self.selector.register(0, selectors.EVENT_READ, None)
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return self.end_all()
                key.data()

    def accept(self) -> None:
        """Fork the kernel that a new connection asks for."""
        connection, _ = self.listener.accept()
        connection.settimeout(5)
        try:
            request = json.loads(connection.makefile("r").readline())
            pid = self.fork(request, connection)
        except (OSError, ValueError) as problem:
            _answer(connection, error=str(problem))
            connection.close()
            return
        self.kernels[pid] = connection
        self.selector.register(connection, selectors.EVENT_READ, lambda: self.listen(pid))
        _answer(connection, pid=pid)

    def fork(self, request: dict[str, Any], connection: socket.socket) -> int:
        """The pid of a new kernel."""
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            _run_and_exit(lambda: self.become_kernel(request, connection, server))
        return pid

    def listen(self, pid: int) -> None:
        """Pass on the signals asked for; end the kernel whose client has gone."""
        received = b""
        with suppress(OSError):
            received = self.kernels[pid].recv(4096)
        for line in received.splitlines():
            processes.signal_group(pid, int(line))
        if not received:
            processes.signal_group(pid, signal.SIGKILL)
            self.selector.unregister(self.kernels[pid])

    def reap(self) -> None:
        """Tell the clients of kernels that have ended."""
        with suppress(BlockingIOError):
            os.read(self.wake_read, 4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self.ended(ended[0], os.waitstatus_to_exitcode(ended[1]))

    def ended(self, pid: int, code: int) -> None:
        """Clean up after one child; `pid` may be an adopted orphan nobody waits for."""
        connection = self.kernels.pop(pid, None)
        if connection is None:
            return
        processes.signal_group(pid, signal.SIGKILL)  # what its cells started
        with suppress(KeyError):
            self.selector.unregister(connection)
        _answer(connection, exit=code)
        connection.close()

    def end_all(self) -> None:
        """Kill all kernels and whatever they left behind."""
        for pid in self.kernels:
            processes.signal_group(pid, signal.SIGKILL)
        while left := processes.children():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(-1, 0)

    def become_kernel(
        self, request: dict[str, Any], connection: socket.socket, server: int
    ) -> None:
        """In the child: take on the place and the environment asked for, then be a kernel."""
        os.setsid()
        processes.die_with_parent(server)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self.selector.close()
        for one in (self.listener, connection, *self.kernels.values()):
            one.close()
        os.close(self.wake_read)
        os.close(self.wake_write)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        run_kernel(request)


def run_kernel(request: dict[str, Any]) -> None:
    """Run an IPython kernel in this process, as its own command would, until it is shut down."""
    import time

    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(request["env"])
    tempfile.tempdir = None  # found anew, from the environment
    time.tzset()
    os.chdir(request["cwd"])
    np.random.seed()  # the global state is a copy of the parent's otherwise
    processes.collect_rarely()
    processes.limit_memory(int(request.get("memory_mb", 0)))
    sys.argv = ["ipykernel_launcher", *request["argv"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    application: Any = IPKernelApp.instance()
    application.initialize(list(request["argv"]))
    _connect_controls(application.shell)
    application.start()


def _connect_controls(shell: Any) -> None:
    """Tell the kernel about ipywidgets, which was imported when there was no kernel to tell."""
    controls = sys.modules.get("ipywidgets")
    if controls is not None:
        controls.load_ipython_extension(shell)


def _run_and_exit(run: Callable[[], None]) -> NoReturn:
    """Leave the forked child without ever returning into the server's loop."""
    import atexit

    code = 1
    try:
        run()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def _answer(connection: socket.socket, **message: object) -> None:
    with suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def _exit_if_driver_goes(ready: int) -> None:
    """Watch standard input while importing, when nothing else does; until `ready` is closed."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(0, selectors.EVENT_READ)
        waiting.register(ready, selectors.EVENT_READ)
        if ready not in [key.fd for key, _ in waiting.select()]:
            shutil.rmtree(sys.argv[2], ignore_errors=True)
            os._exit(0)
    os.close(ready)


def main() -> None:
    """Serve on the listening socket of the first argument; remove the folder of the second at the end.

    A third argument "evidence" asks for the imports that the evidence needs as well.
    """
    ready, importing = os.pipe()
    watch = threading.Thread(target=_exit_if_driver_goes, args=(ready,), daemon=True)
    watch.start()
    processes.adopt_orphans()
    gc.disable()  # what is imported stays: looking for circles in it is a fifth of the time
    preload(evidence="evidence" in sys.argv[3:])
    gc.freeze()  # children share these objects; collecting them would copy their pages
    gc.enable()
    os.close(importing)
    watch.join()
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    shutil.rmtree(sys.argv[2], ignore_errors=True)
    os._exit(0)  # taking down what was imported would keep the driver waiting for .1 s


if __name__ == "__main__":
    main()
