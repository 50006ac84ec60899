"""Starts kernels by asking the warm process; falls back to an ordinary process where there is none."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from kpi_lib.review.warm import SOCKET

MEMORY = "KPI_KERNEL_MEMORY_MB"
"""Environment variable with the memory one kernel may claim, in megabytes."""

_LONGEST_WAIT = 60.0  # seconds, for a warm process that is still importing
_LONGEST_PATH = 90  # a Unix socket's path holds 107 characters; zmq adds "-1" to "-5"


class WarmProcess:
    """A forked kernel as its client sees it: the part of `subprocess.Popen` that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        self._received = b""

    @classmethod
    async def start(cls, address: str, request: dict[str, Any]) -> WarmProcess:
        """A kernel forked as asked for; waits for a warm process that is still importing.

        Raises OSError when the warm process cannot be reached or cannot fork.
        """
        loop = asyncio.get_running_loop()
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, address)
            await loop.sock_sendall(connection, json.dumps(request).encode() + b"\n")
            answer = json.loads(await loop.sock_recv(connection, 4096) or b'{"error": "it ended"}')
            if "error" in answer:
                raise OSError(answer["error"])
        except BaseException:
            connection.close()
            raise
        return cls(connection, int(answer["pid"]))

    def poll(self) -> int | None:
        """The exit code, or None while the kernel runs; -9 when the warm process itself has gone."""
        if self.returncode is None:
            self._listen()
        return self.returncode

    def _listen(self) -> None:
        try:
            chunk = self._connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._received += chunk
        if b"\n" in self._received:
            self.returncode = int(json.loads(self._received)["exit"])
        elif not chunk:
            self.returncode = -signal.SIGKILL
        if self.returncode is not None:
            self._connection.close()

    def wait(self) -> int | None:
        """The exit code once `poll` has seen it."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel's whole process group."""
        if self.poll() is None:
            self._connection.sendall(f"{int(number)}\n".encode())

    def kill(self) -> None:
        """Kill the process group."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process group to end."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Forks the kernel from the warm process named in the environment."""

    _folder: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose private sockets in place of ports, which another program could take."""
        if os.environ.get(SOCKET) and self.parent is not None and self._folder is None:
            self._use_private_sockets()
        return dict(await super().pre_launch(**kwargs))

    def _use_private_sockets(self) -> None:
        # Inside the warm process's own folder, which that process removes when it ends.
        folder = Path(tempfile.mkdtemp(dir=Path(os.environ[SOCKET]).parent))
        self._folder = folder
        manager: Any = self.parent
        if len(str(folder)) > _LONGEST_PATH:
            return
        manager.cache_ports = False
        manager.transport = "ipc"
        manager.ip = str(folder / "k")
        if not manager.connection_file:
            manager.connection_file = str(folder / "kernel.json")

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """The connection of a forked kernel, or of an ordinary one where forking fails."""
        address = os.environ.get(SOCKET)
        if not address or cmd[1:3] != ["-m", "ipykernel_launcher"]:
            return await super().launch_kernel(cmd, **kwargs)
        environment = {name: text for name, text in kwargs["env"].items() if name != SOCKET}
        if self._folder is not None:  # so that what a killed kernel leaves behind is removed too
            environment["TMPDIR"] = str(self._folder)
        request = {
            "argv": cmd[3:],
            "env": environment,
            "cwd": str(kwargs.get("cwd") or Path.cwd()),
            "memory_mb": int(environment.get(MEMORY) or 0),
        }
        try:
            forked = await asyncio.wait_for(WarmProcess.start(address, request), _LONGEST_WAIT)
        except (OSError, TimeoutError) as problem:
            self.log.warning("no warm kernel (%s): starting an ordinary one", problem)
            return await super().launch_kernel(cmd, **kwargs)
        process: Any = forked  # Jupyter declares a Popen and uses only what a WarmProcess has
        self.process, self.pid = process, forked.pid
        self.cwd = request["cwd"]
        return self.connection_info

    async def wait(self) -> int | None:
        """The exit code, as soon as the kernel has ended."""
        while self.process is not None and self.process.poll() is None:
            await asyncio.sleep(0.01)
        return await super().wait()

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the private sockets."""
        await super().cleanup(restart=restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
