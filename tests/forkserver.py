"""Starts commands by a fork of a process that has TensorFlow, Beam and all of `zfnet` imported already, which takes 6 seconds and more.

    python forkserver.py serve SOCKET     imports all, then forks a process for each client
    python -I -S forkserver.py SOCKET COMMAND...     a client, which stands for the new process

The process gets the client's standard streams, directory, environment and signals, and the client ends as it ends. A command is
`.../zfnet ...`, or this Python with `-c PROGRAM`, `-m MODULE` or a script. The server only imports: TensorFlow starts its threads at its
first operation, which is after the fork. Do not start a command this way if the start itself is tested: which modules are imported, or an
environment variable that is read at import; nor if its process number matters. The fork server of `multiprocessing` gives its processes
its own streams and directory, and is not reached by `subprocess`, which the tests use.
"""

import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import sys

DESCRIPTORS = 0, 1, 2
FORWARDED = signal.SIGINT, signal.SIGTERM, signal.SIGUSR1


def ask(address: str, command: list[str]) -> int:
    """Has a command run with this process's standard streams, directory and environment; returns how it ended, as `wait` tells it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        for number in FORWARDED:
            signal.signal(number, lambda received, _: server.sendall(bytes([received])))
        request = json.dumps({"command": command, "cwd": str(pathlib.Path.cwd()), "environment": dict(os.environ)}).encode()
        socket.send_fds(server, [len(request).to_bytes(4, "big")], DESCRIPTORS)
        server.sendall(request)
        return int.from_bytes(_receive(server, 4), "big")


def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes."""
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise EOFError("the other side is gone")
        received += part
    return received


def serve(address: str) -> dict:
    """Waits for clients; returns, in a new process for each, what is asked for."""
    _import_all()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(64)
    pathlib.Path(f"{address}.new").rename(address)
    parent, running = os.getppid(), {}  # process numbers, by their connections and by descriptors that tell of their end
    while os.getppid() == parent:
        for ready in select.select([listener, *running], [], [], 2)[0]:
            if ready is listener:
                connection, _ = listener.accept()
                size, descriptors, *_ = socket.recv_fds(connection, 4, len(DESCRIPTORS))
                request = json.loads(_receive(connection, int.from_bytes(size, "big")))
                child = os.fork()
                if child == 0:
                    for number, descriptor in enumerate(descriptors):
                        os.dup2(descriptor, number)
                        os.close(descriptor)
                    for opened in (listener, connection, *running):
                        os.close(opened) if isinstance(opened, int) else opened.close()
                    return request
                for descriptor in descriptors:
                    os.close(descriptor)
                running |= {connection: child, os.pidfd_open(child): (child, connection)}
            elif isinstance(ready, socket.socket):
                received = ready.recv(1)
                if received:
                    os.kill(running[ready], received[0])
                else:  # the client was killed
                    os.kill(running.pop(ready), signal.SIGKILL)
            elif ready in running:
                child, connection = running.pop(ready)
                os.close(ready)
                _, status = os.waitpid(child, 0)
                if running.pop(connection, None):
                    with contextlib.suppress(OSError):
                        connection.sendall(status.to_bytes(4, "big"))
                connection.close()
    sys.exit()


def _import_all() -> None:
    import gc
    import importlib
    import pkgutil

    import zfnet.components
    import zfnet.model
    import zfnet.pipeline

    for package in (zfnet.model, zfnet.components, zfnet.pipeline):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    import apache_beam.runners.portability.fn_api_runner.fn_runner
    import keras
    import kfp.compiler
    import kfp.dsl.executor
    import skimage.segmentation
    import tensorflow as tf

    # Loaded lazily.
    _ = tf.data.Dataset, tf.keras, keras.applications, skimage.segmentation, apache_beam, kfp
    gc.collect()
    gc.freeze()


def run(request: dict) -> None:
    """Runs a command in this process as if Python had started with it."""
    import runpy
    import tempfile
    import types
    import warnings

    for number in FORWARDED:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    tempfile.tempdir = None  # TMPDIR may be another
    sys.path[:] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path] + sys.path[1:]
    program, *arguments = request["command"]
    if pathlib.Path(program).name == "zfnet":
        from zfnet.pipeline.cli.main import main

        sys.argv = [program, *arguments]
        sys.exit(main())
    while arguments[0] in ("-u", "-W"):
        option = arguments.pop(0)
        if option == "-W":
            warnings.simplefilter(arguments.pop(0))
    if arguments[0] == "-c":
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        exec(compile(arguments[1], "<string>", "exec"), module.__dict__)
    elif arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, "")
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(pathlib.Path(arguments[0]).resolve().parent))
        runpy.run_path(arguments[0], run_name="__main__")


def run_and_exit(request: dict) -> None:
    """Runs a command and ends this process with its exit code, by all that Python does at its end but the freeing of every module.

    That would copy most of the memory that the fork shares, which takes half a second.
    """
    import atexit
    import threading

    code = 0
    try:
        run(request)
    except SystemExit as exit:
        code = exit.code
        if not isinstance(code, int | None):
            print(code, file=sys.stderr)
            code = 1
    except BaseException as error:
        sys.excepthook(*sys.exc_info())
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit((code or 0) & 255)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        run_and_exit(serve(sys.argv[2]))
    else:
        status = ask(sys.argv[1], sys.argv[2:])
        if os.WIFSIGNALED(status):  # ends as the process did
            if os.WTERMSIG(status) != signal.SIGKILL:
                signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        os._exit(os.waitstatus_to_exitcode(status))
