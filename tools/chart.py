"""The Helm chart of deploy/helm/tidings, rendered by the real Helm: its files of values, and the documents that come out.

Helm comes with `tools/provision --helm`. What the documents must be like is for tools/check-chart to say, and what runs by them
for tools/check-helm.
"""

import os
import subprocess

import packages
from installation import ROOT, TOOLS, Failure, require

CHART = ROOT / "deploy" / "helm" / "tidings"
# The oldest Kubernetes that the chart is for, and the newest that it is tried with.
KUBERNETES = ["1.27.0", "1.37.0"]
MINIMAL = CHART / "ci" / "minimal-values.yaml"


def provide():
    """Makes both Helms and the packages of tools/helm ready."""
    if subprocess.run([ROOT / "tools" / "provision", "--helm"], check=False).returncode != 0:
        raise packages.Missing("there is no Helm")
    packages.of_python("helm")


class Helm:
    """One Helm, with a home of its own in a folder."""

    def __init__(self, folder, program="helm"):
        self.program = TOOLS / "bin" / program
        homes = {f"HELM_{name}_HOME": str(folder / program / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "TIDINGS_"))} | homes

    def run(self, *words):
        return subprocess.run([self.program, *map(str, words)], env=self.env, capture_output=True, text=True, check=False)

    def version(self):
        return self.run("version", "--template", "{{.Version}}").stdout.strip()

    def lint(self, values):
        done = self.run("lint", "--strict", CHART, "-f", values)
        require(done.returncode == 0, f"helm lint {values.name}:\n{done.stdout}{done.stderr}")

    def attempt(self, values, *more, release="tidings"):
        return self.run("template", release, CHART, "-n", "chat", "--kube-version", KUBERNETES[-1], "-f", values, *more)

    def template(self, values, *more, **options):
        """The documents that come out."""
        done = self.attempt(values, *more, **options)
        require(done.returncode == 0, f"helm template {values.name}:\n{done.stderr}")
        return documents(done.stdout)

    def refuses(self, said, word):
        done = self.attempt(MINIMAL, "--set", said)
        require(done.returncode != 0, f"--set {said} is not refused")
        require(word in done.stderr, f"--set {said} is refused without {word!r}:\n{done.stderr}")


def files():
    """The files of values that the chart is tried with."""
    found = sorted((CHART / "ci").glob("*-values.yaml"))
    require(found, "the chart has no files of values")
    return found


def documents(text):
    import yaml

    try:
        return [one for one in yaml.safe_load_all(text) if one]
    except yaml.YAMLError as error:
        raise Failure(f"what came out of the chart is no YAML: {error}") from error


def of_kind(docs, kind):
    return [one for one in docs if one["kind"] == kind]


def items_of(volume):
    """What a projected volume takes of Secrets."""
    return [item for source in volume.get("projected", {}).get("sources", []) for item in source["secret"]["items"]]


def pre_stop(container):
    """The seconds that a container sleeps before it is told to end."""
    words = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    require(words[0] == "sleep", f"preStop runs {words}")
    return int(words[1])
