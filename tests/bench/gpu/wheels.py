"""Gather the wheels for a machine without network that has a torch of its own.

    python -m tests.bench.gpu.wheels FOLDER --has PACKAGES.txt [--also NAME ...]

Downloads what this package needs and that machine lacks, in the versions that are installed here, for Python 3.12 on
manylinux x86_64. PACKAGES.txt is what `python -m pip freeze` says there, or names alone. torch and what it needs is
never carried. The wheels are packed again without their tests and with the better of zip's compressions; there

    python3 -m pip install --no-index --no-deps --target SITE FOLDER/*.whl
    PYTHONPATH=SITE:. python3 -m tests.bench.gpu
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "manylinux1")
NEVER = {"torch"}
EXTRAS = ("demo",)
ENVIRONMENT = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.3", "sys_platform": "linux", "extra": ""}


def stated(project: Path = Path("pyproject.toml")) -> list[Requirement]:
    """What the package needs to ingest and to score."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    lines = [*table["dependencies"], *(line for extra in EXTRAS for line in table["optional-dependencies"][extra])]
    return [Requirement(line) for line in lines]


def missing(needed: Iterable[Requirement], there: dict[str, str | None]) -> dict[str, str]:
    """name -> version of what that machine lacks, with what those need in turn.

    Args:
        needed: by the package.
        there: name -> version; a name without one satisfies every requirement.
    """
    found: dict[str, str] = {}
    waiting = list(needed)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in NEVER or name in found or (name in there and _satisfied(requirement, there[name])):
            continue
        found[name] = importlib.metadata.version(name)
        for line in importlib.metadata.requires(name) or []:
            further = Requirement(line)
            if further.marker is None or further.marker.evaluate(ENVIRONMENT):
                waiting.append(further)
    return dict(sorted(found.items()))


def _satisfied(requirement: Requirement, version: str | None) -> bool:
    if version is None:
        return True
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def unmet(needed: Iterable[Requirement]) -> list[str]:
    """What this machine lacks or has in too old a version."""
    found = []
    for requirement in needed:
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {requirement}")
            continue
        if not _satisfied(requirement, version):
            found.append(f"{requirement.name} {version}, not {requirement}")
    return found


def listed(text: str) -> dict[str, str | None]:
    """name -> version, or None, of the lines of `pip freeze`, or of names separated by commas or blanks."""
    found: dict[str, str | None] = {}
    for word in text.replace(",", " ").split():
        name, _, version = word.partition("==")
        found[canonicalize_name(name)] = version or None
    return found


def gather(versions: dict[str, str], folder: Path) -> list[Path]:
    """Download the wheels and pack them anew into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [word for platform in PLATFORMS for word in ("--platform", f"{platform}_x86_64")]
    made = []
    with tempfile.TemporaryDirectory() as downloaded:
        for name, version in versions.items():
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "-d", downloaded, "--python-version", PYTHON, "--implementation", "cp", *platforms,
                 f"{name}=={version}"],
                check=True,
            )  # fmt: skip
        for wheel in sorted(Path(downloaded).glob("*.whl")):
            made.append(packed(wheel, folder))
    return made


def packed(wheel: Path, folder: Path) -> Path:
    """The same wheel without its tests, smaller."""
    target = folder / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as new:
        for member in old.infolist():
            if not member.is_dir() and "tests" not in Path(member.filename).parts[1:-1]:
                copied = zipfile.ZipInfo(member.filename, member.date_time)
                copied.external_attr = member.external_attr
                new.writestr(copied, old.read(member), zipfile.ZIP_LZMA)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu.wheels", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--has", type=Path, required=True, help="file with what is installed there")
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME", help="carry it whatever is there")
    options = parser.parse_args()
    there = listed(options.has.read_text(encoding="utf-8"))
    if unversioned := [name for name, version in there.items() if version is None]:
        print(f"taken as new enough, without a version: {', '.join(unversioned)}", file=sys.stderr)
    versions = missing(stated(), there)
    versions |= {name: importlib.metadata.version(name) for name in options.also}
    for wheel in gather(versions, options.folder):
        print(f"{wheel.stat().st_size / 2**20:6.1f} MiB  {wheel.name}")


if __name__ == "__main__":
    main()
