"""What holds for the project as a whole."""

from __future__ import annotations

import re
import subprocess
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import requires
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FLY = tomllib.loads((ROOT / "fly.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

# Written so that this file does not hold what it looks for.
FORBIDDEN = {
    "a folder of somebody's machine": r"/wor[k]/|/roo[t]/|/home/(?!bellhop\b|worker\b)\w",
    "an index's address": r"pythonhoste[d]|pypi\.or[g]|index-ur[l]|find-link[s]|file:/[/]/",
    "work that is left": r"TOD[O]|FIXM[E]|XX[X]\b",
    "talk about how it was made": r"(?i)\bsub-?agen[t]s?\b|\bthis sessio[n] of\b",
}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        if path.suffix != ".png"
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def needed() -> set[Requirement]:
    """All that an installation for development brings along, on this system, beside pip itself."""
    project = PROJECT["project"]
    waiting = [
        Requirement(one)
        for one in (*project["dependencies"], *project["optional-dependencies"]["dev"])
    ]
    seen: set[Requirement] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted in seen or wanted.name == "pip":
            continue
        seen.add(wanted)
        for line in requires(wanted.name) or ():
            further = Requirement(line)
            extras = wanted.extras or {""}
            if not further.marker or any(further.marker.evaluate({"extra": one}) for one in extras):
                waiting.append(further)
    return seen


def test_every_dependency_is_pinned_within_its_range() -> None:
    known = pins()
    wrong = []
    for one in needed():
        version = known.get(canonicalize_name(one.name))
        if version is None or not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one}, pinned to {version}")
    assert wrong == []


def test_nothing_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imports = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules


def test_the_changelog_has_the_version() -> None:
    assert f"\n## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_there() -> None:
    (name,) = PROJECT["project"]["license-files"]
    assert (ROOT / name).read_text().startswith("MIT License\n")
    assert "The Bellhop maintainers" in (ROOT / name).read_text()


@pytest.mark.parametrize(("shell", "script"), [("bash", ".ci/run"), ("sh", "deploy/entrypoint")])
def test_scripts_can_be_run(shell: str, script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    subprocess.run([shell, "-n", path], check=True)


def variable(name: str) -> str:
    found = re.search(rf"\b{name}=(\S+)", DOCKERFILE)
    assert found, name
    return found[1]


def test_the_image_has_all_packages_and_what_installs_them() -> None:
    copied = set(
        re.findall(r"\S+", " ".join(re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)))
    )
    assert copied >= {
        *PACKAGES,
        "app.yml",
        "pyproject.toml",
        "constraints.txt",
        "README.md",
        "LICENSE",
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name.split('/')[0]}" for name in copied} <= set(ignored)
    assert "-c constraints.txt" in DOCKERFILE


def test_fly_runs_one_machine_that_stays() -> None:
    service = FLY["http_service"]
    assert service["auto_stop_machines"] == "off"
    assert service["auto_start_machines"] is False
    assert service["min_machines_running"] == 1
    assert FLY["deploy"]["strategy"] == "rolling"


def test_fly_and_the_image_agree() -> None:
    assert FLY["http_service"]["internal_port"] == int(variable("BELLHOP_PORT"))
    assert FLY["mounts"]["destination"] == variable("BELLHOP_DATA") == "/data"
    assert [check["path"] for check in FLY["http_service"]["checks"]] == ["/healthz"]
    assert "/healthz" in DOCKERFILE
    assert f"--create-home {FLY['env']['BELLHOP_WORKER_USER']}\n" in DOCKERFILE
