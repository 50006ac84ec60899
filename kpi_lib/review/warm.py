"""Warm kernels for whoever runs notebooks: the review, nbval, papermill, Voila."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

KERNEL = "kpi-warm"
SWITCH = "KPI_WARM"
SOCKET = "KPI_WARM_SOCKET"
"""Environment variable that names the warm process's socket."""

# Nothing is imported from the folder the driver runs in; "-P" would forbid it to kernels as well.
_START = "import sys; del sys.path[0]; from kpi_lib.review.warm_server import main; main()"

_ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Several kernels run at once, and a second thread of each only spins: a twentieth of a review."""


def unavailable() -> str:
    """Why kernels cannot be forked here, or an empty string when they can."""
    if os.environ.get(SWITCH) == "0":
        return f"{SWITCH}=0"
    if sys.platform != "linux":
        return "forking a process with these libraries loaded is safe on Linux only"
    group = "jupyter_client.kernel_provisioners"
    if not entry_points(group=group, name=KERNEL):
        return "the package is not installed (pip install -e .)"
    return ""


def kernel_name() -> str:
    """The kernel to ask for: the warm one where there is a warm process, else Python's own."""
    return KERNEL if os.environ.get(SOCKET) else "python3"


def write_kernelspec(folder: Path) -> None:
    """Describe the warm kernel to Jupyter below `folder`, also as the answer to "python3"."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "metadata": {"kernel_provisioner": {"provisioner_name": KERNEL}},
    }
    for name in (KERNEL, "python3"):
        place = folder / "kernels" / name
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(spec))


def environment(folder: Path) -> dict[str, str]:
    """What a program has to find in its environment so that its kernels are forked."""
    known = os.environ.get("JUPYTER_PATH")
    path = os.pathsep.join([str(folder), known] if known else [str(folder)])
    return {"JUPYTER_PATH": path, SOCKET: str(folder / "socket")}


def start_server(folder: Path, evidence: bool = True) -> subprocess.Popen[bytes]:
    """A warm process that listens on `folder`/socket; it ends when its standard input closes.

    It answers as soon as its imports are done; a kernel asked for earlier waits for that.
    """
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen(64)
    ours = _ONE_BLAS_THREAD | os.environ
    ours.pop("JPY_PARENT_PID", None)
    number = listener.fileno()
    command = [sys.executable, "-c", _START, str(number), str(folder)]
    command += ["evidence"] if evidence else []
    with listener, (folder / "warm.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[number],
            env=ours,
            start_new_session=True,  # Ctrl-C is for the driver, which ends its kernels in order
        )


@contextmanager
def warm_kernels(evidence: bool = True) -> Iterator[dict[str, str]]:
    """While open: the environment variables that give this machine's Jupyter clients warm kernels.

    They are also set in this process. Empty where kernels cannot be forked, and then kernels are
    ordinary ones. Nothing is installed; the warm process and its kernels end with this process.
    With `evidence` False it leaves out imports that only the evidence needs.
    """
    if unavailable() or os.environ.get(SOCKET):
        yield {}
        return
    folder = Path(tempfile.mkdtemp(prefix="kpi-warm-"))
    before = dict(os.environ)
    server = None
    try:
        write_kernelspec(folder)
        server = start_server(folder, evidence)
        added = environment(folder)
        os.environ.update(added)
        yield added
    finally:
        for name in ("JUPYTER_PATH", SOCKET):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
        if server is not None:
            stop_server(server)
        shutil.rmtree(folder, ignore_errors=True)


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """End the warm process and with it every kernel; returns once they are gone."""
    if server.stdin is not None:
        server.stdin.close()
    try:
        server.wait(timeout=2)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
