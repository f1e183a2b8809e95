"""What a worker can't do: hostile functions are forked as workers are, in all layers and in each of them alone."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from foveola import sandbox
from foveola.cli import main
from foveola.config import Settings
from foveola.errors import ConfigError
from foveola.sandbox import Fence, kernel, landlock
from foveola.sandbox.places import places
from foveola.server import forkserver
from foveola.server.main import unusable
from tests.fenced import HERE, POWERLESS, called, kept, needs, readable
from tests.serving import Served, serving, until

ALL = frozenset(sandbox.LAYERS)


def start_thread() -> None:
    """Start a thread and wait for it."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def files(folder: Path) -> dict[str, Callable[[], object]]:
    """Return acts on files that are no business of workers'."""
    return {
        "environment of the front": Path(f"/proc/{os.getpid()}/environ").read_bytes,
        "own environment": Path("/proc/self/environ").read_bytes,
        "passwords": Path("/etc/passwd").read_bytes,
        "root": lambda: list(Path("/").iterdir()),
        "sources": lambda: list(folder.iterdir()),
        "a source": (folder / "cat.jpg").read_bytes,
        "writing": lambda: (folder / "new").write_bytes(b"x"),
        "making a folder": lambda: (folder / "new").mkdir(),
        "unlinking": lambda: (folder / "cat.jpg").unlink(),
        "writing to a library": lambda: os.open(landlock.__file__, os.O_WRONLY),
        "writing to the log of others": lambda: os.open("/dev/shm/x", os.O_WRONLY | os.O_CREAT),
    }


FILES = tuple(files(Path()))
SIGNALS: dict[str, Callable[[], object]] = {
    "signal to the parent": lambda: os.kill(os.getppid(), 0),
    "signal to everyone": lambda: os.kill(-1, 0),
    "signal to the group": lambda: os.kill(0, 0),
    "signal by descriptor": lambda: signal.pidfd_send_signal(0, signal.SIGTERM),
    "descriptor of the parent": lambda: os.pidfd_open(os.getppid()),
    "signal to a thread": called("tgkill", os.getppid(), os.getppid(), 0),
    "signal to any thread": called("tkill", os.getppid(), 0),
    "queued signal": called("rt_sigqueueinfo", os.getppid(), signal.SIGTERM, 0),
}
CALLS: dict[str, Callable[[], object]] = SIGNALS | {
    "TCP": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "UDP": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "a pair of sockets": socket.socketpair,
    "connect": called("connect", 0, 0, 0),
    "bind": called("bind", 0, 0, 0),
    "listen": called("listen", 0, 1),
    "accept": called("accept4", 0, 0, 0, 0),
    "a program": lambda: os.execv("/bin/true", ["true"]),
    "a program by descriptor": called("execveat", -1, 0, 0, 0, 0),
    "a process": os.fork,
    "a process, said otherwise": called("clone", signal.SIGCHLD, 0, 0, 0, 0),
    "tracing": called("ptrace", 16, 1, 0, 0),
    "reading the memory of others": called("process_vm_readv", 1, 0, 0, 0, 0, 0),
    "writing the memory of others": called("process_vm_writev", 1, 0, 0, 0, 0, 0),
    "limits of others": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
    "typing into a terminal": called("ioctl", 0, 0x5412, 0),
    "rights of files": lambda: Path("/nowhere").chmod(0o777),
    "owners of files": lambda: os.chown("/nowhere", 0, 0),
    "times of files": lambda: os.utime("/nowhere"),
    "a mount": called("mount", 0, 0, 0, 0, 0),
    "a namespace": called("unshare", 0),
    "bpf": called("bpf", 99, 0, 0),
    "keys": called("keyctl", 0, 0, 0),
    "io_uring": called("io_uring_setup", 0, 0),
    "userfaultfd": called("userfaultfd", 0),
    "a module": called("init_module", 0, 0, 0),
}
HARMLESS: dict[str, Callable[[], object]] = {
    "a signal to itself": lambda: os.kill(os.getpid(), 0),
    "own limits": lambda: resource.prlimit(0, resource.RLIMIT_CORE),
    "own limits by number": lambda: resource.prlimit(os.getpid(), resource.RLIMIT_CORE),
    "a thread": start_thread,
    "a library": Path(landlock.__file__).read_bytes,
    "a folder of Python": lambda: list(Path(json.__file__).parent.iterdir()),
    "randomness": Path("/dev/urandom").open,
    "nothing": lambda: Path("/dev/null").write_bytes(b"x"),
    "processors": lambda: list(Path("/sys/devices/system/cpu").iterdir()),
    "an import": lambda: __import__("wave"),
    "a pipe": os.pipe,
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_workers_need_they_may(name: str) -> None:
    assert kept(HARMLESS[name], sandbox.available()) == "done"


@needs("landlock")
@pytest.mark.parametrize("name", FILES)
def test_files_are_kept_by_landlock_alone(folder: Path, name: str) -> None:
    assert kept(files(folder)[name], frozenset({"no_new_privs", "landlock"})) == "EACCES"


@pytest.mark.parametrize("name", ["passwords", "sources", "a source"])
def test_without_it_they_can_be_read(folder: Path, name: str) -> None:
    assert kept(files(folder)[name], sandbox.available() - {"landlock"}) == "done"


@needs("landlock")
def test_what_is_named_can_be_read_and_what_lies_beside_it_not(folder: Path) -> None:
    fence = Fence(readable=(str(folder / "cat.jpg"), str(folder / "missing")))

    assert kept((folder / "cat.jpg").read_bytes, sandbox.available(), fence) == "done"
    assert kept((folder / "photo.png").read_bytes, sandbox.available(), fence) == "EACCES"


@needs("landlock")
def test_descriptors_that_were_handed_over_stay_of_use(folder: Path) -> None:
    with (folder / "cat.jpg").open("rb") as file:
        assert kept(lambda: os.pread(file.fileno(), 10, 0), sandbox.available()) == "done"
    memory = os.memfd_create("result")
    assert kept(lambda: os.pwrite(memory, b"made", 0), sandbox.available()) == "done"
    assert os.pread(memory, 11, 0) == b"made"
    os.close(memory)


@needs("landlock")
@pytest.mark.skipif(HERE["landlock"] in {f"available (ABI {n})" for n in range(1, 6)}, reason="signals are since ABI 6")
def test_landlock_alone_keeps_signals_from_others() -> None:
    assert kept(SIGNALS["signal to the parent"], frozenset({"no_new_privs", "landlock"})) == "EPERM"


@needs("seccomp")
@pytest.mark.parametrize("name", CALLS)
def test_calls_are_refused_by_seccomp_alone(name: str) -> None:
    assert kept(CALLS[name], frozenset({"no_new_privs", "seccomp"})) == "EPERM"


@needs("seccomp")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has x32")
def test_calls_of_x32_are_refused() -> None:
    assert kept(lambda: kernel.call(0x4000_0000 | 39), frozenset({"no_new_privs", "seccomp"})) == "EPERM"


@needs("seccomp")
def test_without_it_sockets_and_programs_are_to_be_had() -> None:
    layers = sandbox.available() - {"seccomp", "landlock"}

    assert kept(CALLS["TCP"], layers) == "done"
    assert kept(SIGNALS["signal to the parent"], layers) == "done"
    assert kept(lambda: subprocess.run(["/bin/true"], check=True), layers) == "done"


def privileges(pid: int) -> int:
    """Return 1 if a process can get no new ones, else 0."""
    return int(Path(f"/proc/{pid}/status").read_text().split("NoNewPrivs:")[1].split()[0])


@needs("no_new_privs")
def test_privileges_are_given_up_alone() -> None:
    def check() -> None:
        assert privileges(os.getpid()) == 1

    assert kept(check, frozenset({"no_new_privs"})) == "done"
    if privileges(os.getpid()) == 0:  # the tests themselves may be kept from them
        assert kept(check, frozenset()) == "AssertionError"


def test_limits_are_set_alone_and_hold_for_memory_by_the_pixels() -> None:
    def check() -> None:
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (sandbox.DESCRIPTORS,) * 2
        assert resource.getrlimit(resource.RLIMIT_AS) == (sandbox.MEMORY + 10 * sandbox.MEMORY_A_PIXEL,) * 2
        bytearray(sandbox.MEMORY + (1 << 20))

    def free() -> None:
        assert resource.getrlimit(resource.RLIMIT_AS) == before

    before = resource.getrlimit(resource.RLIMIT_AS)
    assert kept(check, frozenset({"rlimits"}), Fence(pixels=10)) == "MemoryError"
    assert kept(free, frozenset({"rlimits"})) == "done"


_LARGEST = """
import resource
import numpy as np
from foveola import sandbox
from foveola.codecs import codec
from foveola.picture import Picture
from foveola.sandbox import Fence
from foveola.settings import AvifSettings
from foveola.server import worker
worker.preload()
sandbox.enter(sandbox.prepare(Fence("on", (), 50_000_000), frozenset({"rlimits"})))
flat = Picture(np.full((1, 6250, 8000, 4), 128, np.uint8))
codec("avif").encode(flat, 95, AvifSettings(speed=8))
print(open("/proc/self/status").read().split("VmPeak:")[1].split()[0], resource.getrlimit(resource.RLIMIT_AS)[0])
"""


@pytest.mark.slow
def test_the_largest_picture_by_default_is_encoded_within_the_limit_of_memory() -> None:
    """As AVIF with transparency and whole chroma, which was found to take 2.7 GB."""
    command, environ = [sys.executable, "-c", _LARGEST], forkserver.environment(os.environ)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    peak, limit = map(int, done.stdout.split())
    assert limit == sandbox.MEMORY + sandbox.MEMORY_A_PIXEL * 50_000_000
    assert 2_000_000_000 < 1024 * peak < limit


def test_a_second_thread_is_found_out() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="Expected one thread"):
            sandbox.enter(sandbox.Prepared(Fence(), frozenset({"rlimits"}), None))
    finally:
        stop.set()
        thread.join()


def test_off_is_nothing() -> None:
    prepared = sandbox.prepare(Fence(mode="off"))

    assert (prepared.layers, prepared.rules) == (frozenset(), None)
    assert kept(Path("/etc/passwd").read_bytes, frozenset()) == "done"


@pytest.mark.parametrize(
    ("version", "told"),
    [(1, (0x1FFF, 0, 0)), (2, (0x3FFF, 0, 0)), (3, (0x7FFF, 0, 0)), (4, (0x7FFF, 3, 0)), (5, (0xFFFF, 3, 0))]
    + [(version, (0xFFFF, 3, 3)) for version in (6, 7, 9)],
)
def test_landlock_is_asked_for_what_its_version_knows(version: int, told: tuple[int, int, int]) -> None:
    assert landlock.handled(version) == told


def test_places_are_whole_paths_and_never_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "/", "relative", "/..", *sys.path])
    found = places(["/nets/a.pb"])

    assert "/nets/a.pb" in found
    assert all(path.startswith("/") and Path(path).resolve() != Path("/") for path in found)
    assert not {"/proc", "/etc", "/home", "/root", "/tmp", "/var"} & set(found)


@pytest.fixture
def poor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take Landlock away, as a kernel that was built without it."""

    def missing() -> str:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setitem(sandbox.LAYERS, "landlock", missing)


@pytest.mark.usefixtures("poor")
def test_a_missing_layer_is_done_without_unless_it_is_required() -> None:
    assert "landlock" not in sandbox.prepare(Fence()).layers
    sandbox.check("on")
    sandbox.check("off")

    sentence = (
        'Expected a kernel with every layer for FOVEOLA_SANDBOX, got "require": landlock is missing .Function not'
    )
    with pytest.raises(ConfigError, match=sentence):
        sandbox.check("require")
    (problem,) = unusable(Settings.from_env({"FOVEOLA_SANDBOX": "require"}))
    assert re.match(sentence, problem)
    assert unusable(Settings()) == []


@pytest.mark.usefixtures("poor")
def test_the_doctor_names_each_layer() -> None:
    shown = CliRunner().invoke(main, ["doctor"]).stdout

    assert re.search(r"^sandbox landlock +missing \(Function not implemented\)$", shown, re.M)
    assert all(f"sandbox {layer} " in shown for layer in ALL)


def test_a_machine_whose_calls_are_not_known_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    assert sandbox.examine()["seccomp"] == "missing (the system calls of riscv64 are not known)"


def test_a_fence_is_read_as_it_was_written_and_made_of_the_settings() -> None:
    net, more = "nets/a.pb", {"IMGPROXY_MAX_ANIMATION_FRAMES": "30", "IMGPROXY_MAX_ANIMATION_FRAME_RESOLUTION": "2"}
    said = {"FOVEOLA_SANDBOX": "require", "IMGPROXY_AUTOQUALITY_JPEG_NET": net, "IMGPROXY_MAX_SRC_RESOLUTION": "7"}
    fence = Settings.from_env(said).fence

    path = str(Path.cwd() / net)
    assert Fence.read(fence.written()) == fence == Fence("require", (path, path + ".json"), 7_000_000)
    assert Settings.from_env(said | more).fence.pixels == 60_000_000
    assert Settings.from_env(said | {"IMGPROXY_ALLOW_SECURITY_OPTIONS": "1"}).fence.pixels == 0
    assert Settings().fence == Fence("on", (), 50_000_000)
    with pytest.raises(ConfigError, match="Expected one of on, require, off for FOVEOLA_SANDBOX"):
        Settings.from_env({"FOVEOLA_SANDBOX": "maybe"})


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server as it is by default, of a user without capabilities."""
    where = tmp_path_factory.mktemp("fenced")
    with serving(where, before=POWERLESS, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="1") as served:
        yield served


def test_workers_of_a_server_are_fenced(served: Served) -> None:
    worker = served.workers[0]
    status = Path(f"/proc/{worker}/status").read_text()
    limits = Path(f"/proc/{worker}/limits").read_text()

    if HERE["seccomp"] == "available":
        assert "\nSeccomp:\t2\n" in status
    assert privileges(worker) == 1
    assert [line.split()[3:5] for line in limits.splitlines() if "open files" in line] == [["256", "256"]]
    assert [line.split()[3:5] for line in limits.splitlines() if "address space" in line] == [["16442450944"] * 2]


def test_all_processes_of_a_server_are_hidden_from_others_of_its_user(served: Served) -> None:
    processes = {"front": served.process.pid, "fork server": served.forkserver, "worker": served.workers[0]}

    assert {name: readable(pid) for name, pid in processes.items()} == dict.fromkeys(processes, False)
    with subprocess.Popen([*POWERLESS, "sleep", "60"]) as plain:
        try:
            assert until(lambda: readable(plain.pid))
        finally:
            plain.kill()


def test_a_server_without_is_said_to_be(folder: Path, tmp_path: Path) -> None:
    off, settings = {"FOVEOLA_SANDBOX": "off"}, {"LOCAL_FILESYSTEM_ROOT": str(folder), "WORKERS": "1"}
    with serving(tmp_path, off, before=POWERLESS, **settings) as served:
        worker = served.workers[0]
        assert privileges(worker) == privileges(os.getpid())
        assert all(map(readable, (served.process.pid, served.forkserver, worker)))


def test_drawings_have_their_letters(folder: Path, tmp_path: Path) -> None:
    drawn = "<svg xmlns='http://www.w3.org/2000/svg' width='90' height='40'>%s</svg>"
    (folder / "text.svg").write_text(drawn % "<text x='5' y='30' font-size='30'>Hxg</text>")
    (folder / "none.svg").write_text(drawn % "")
    with serving(tmp_path, {"FOVEOLA_SANDBOX": "off"}, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="1") as free:
        plain, empty = (free.get(f"/unsafe/plain/local:///{name}.svg@png").body for name in ("text", "none"))
    with serving(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="1") as fenced:
        reply = fenced.get("/unsafe/plain/local:///text.svg@png")

    assert (reply.status, reply.body) == (200, plain)
    assert plain != empty
