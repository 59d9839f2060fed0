"""Do what the container does, without a container: `make image-commands`.

Builds the wheel, installs it with the runtime's lock into an environment of its own, and runs the commands that
docker-compose.yml gives the image, from an empty folder, on SQLite: the migration must end well, the services must come
up, answer and end when they are told to.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "storage", "bots", "admin_cli")
SERVICES = ("http", "worker")
UP_SECONDS = 60
END_SECONDS = 30


def build_wheel(folder: Path) -> Path:
    """Return the wheel, built into *folder* with what is installed here."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def data_files() -> set[str]:
    """Return every file of the packages that is no Python code, as it must stand in the wheel."""
    return {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
    }


def missing_from(wheel: Path) -> set[str]:
    """Return the data files that *wheel* lacks."""
    with zipfile.ZipFile(wheel) as archive:
        return data_files() - set(archive.namelist())


def install(wheel: Path, folder: Path) -> Path:
    """Return the folder of commands of a fresh environment with *wheel* and the runtime's lock."""
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    uv = Path(sys.executable).parent / "uv"
    wanted = (["--require-hashes", "-r", str(ROOT / "requirements" / "runtime.txt")], ["--no-deps", str(wheel)])
    for arguments in wanted:
        quick = subprocess.run([str(uv), "pip", "install", "-q", "--python", str(python), *arguments], check=False)
        if quick.returncode != 0:
            subprocess.run([str(python), "-m", "pip", "install", "-q", *arguments], check=True)
    return python.parent


def commands() -> dict[str, list[str]]:
    """Return the whole command of each service of ours: the image's entry point and the service's arguments."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    (entry_point,) = [line for line in dockerfile.splitlines() if line.startswith("ENTRYPOINT ")]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return {
        name: [*json.loads(entry_point.removeprefix("ENTRYPOINT ")), *service["command"]]
        for name, service in services.items()
        if "command" in service
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service while the block runs, then ask it to end.

    Raises:
        RuntimeError: If it has to be killed, or ends with an error.
    """
    process = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    process.terminate()
    try:
        code = process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError(f"{' '.join(command)} did not end within {END_SECONDS} s of being told to") from None
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")


def wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when ``/healthz`` answers, as the image's health check asks it.

    Raises:
        RuntimeError: If the service ends first, or time is up.
    """
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode} before it was up")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"nothing answered on /healthz within {UP_SECONDS} s")


def check_services(ours: dict[str, list[str]], folder: Path, environment: dict[str, str], port: int) -> None:
    """Bring up http and worker, as compose does, see that they stay, and end them."""
    with running(ours["http"], folder, environment) as http:
        wait_until_healthy(http, port)
        print("  http answers on /healthz")
        with running(ours["worker"], folder, environment) as worker:
            try:
                worker.wait(3)
            except subprocess.TimeoutExpired:
                print("  worker is up")
            else:
                raise RuntimeError(f"the worker ended with {worker.returncode}")
    print("  both ended when told to")


def main() -> int:
    """Return the exit code."""
    with tempfile.TemporaryDirectory(prefix="atelier-image-") as name:
        scratch = Path(name)
        wheel = build_wheel(scratch / "dist")
        missing = missing_from(wheel)
        if missing:
            print(f"the wheel lacks {', '.join(sorted(missing))}", file=sys.stderr)
            return 1
        print(f"{wheel.name}: with all {len(data_files())} data files")
        bin_folder = install(wheel, scratch / "environment")
        folder, home, port = scratch / "run", scratch / "home", free_port()
        folder.mkdir()
        home.mkdir()
        environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(home), "HTTP_PORT": str(port)}
        ours = {name: [str(bin_folder / command[0]), *command[1:]] for name, command in commands().items()}
        subprocess.run(
            [str(bin_folder / "atelier"), "--help"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run(ours["migrate"], cwd=folder, env=environment, check=True)
        print("  the database is migrated")
        check_services(ours, folder, environment, port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
