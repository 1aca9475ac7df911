"""Packages of PyPI and npm that a check is written with, pinned in a folder of tools/ and put into .tools/<that folder>.

Each is fetched once for each list of pins. What it means that they cannot be had is for the check to say.
"""

import fcntl
import os
import shutil
import subprocess
import sys

from installation import ROOT, TOOLS, say


class Missing(Exception):
    """What a check is written with is not there; its text says what."""


def of_python(name):
    """Makes the packages of tools/<name>/requirements.txt importable."""
    wanted = ROOT / "tools" / name / "requirements.txt"
    folder = TOOLS / name / f"python-{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        have = folder / "requirements.txt"
        if not (have.exists() and have.read_bytes() == wanted.read_bytes()):
            shutil.rmtree(folder, ignore_errors=True)
            say(f"installing the Python packages of tools/{name} (once, into .tools/{name})")
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]
            command += ["--target", str(folder), "--requirement", str(wanted)]
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
                raise Missing(f"the Python packages of tools/{name} cannot be had")
            # It comes last: it says that everything is there.
            shutil.copy(wanted, have)
    sys.path.insert(0, str(folder))


def path_with_node():
    """PATH with the Node of .tools first, which may not be there."""
    return os.pathsep.join([str(TOOLS / "node" / "bin"), os.environ.get("PATH", "")])


def of_node(name):
    """The folder in which the packages of tools/<name>/package-lock.json are installed."""
    pinned, folder = ROOT / "tools" / name, TOOLS / name
    if not shutil.which("npm", path=path_with_node()):
        raise Missing("there is no npm")
    folder.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted, have = (pinned / "package-lock.json").read_text(), folder / "installed"
        if not have.exists() or have.read_text() != wanted:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(pinned / file, folder / file)
            say(f"installing the npm packages of tools/{name} (once, into .tools/{name})")
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            env = os.environ | {"PATH": path_with_node()}
            if subprocess.run(command, cwd=folder, env=env, stdout=sys.stderr, check=False).returncode != 0:
                raise Missing(f"the npm packages of tools/{name} cannot be had")
            have.write_text(wanted)
    return folder
