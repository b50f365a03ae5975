"""Opens what a district sends: a zip or a folder of CSV files. Trusts nothing that a zip says of itself.

A member is unpacked up to `MAX_FILE_BYTES` and no further, whatever its header claims, so that a zip bomb costs no more
than a file of that size. Folders inside the zip do not count: files are known by their last name.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from cloud.sheets.models import Problem
from cloud.sheets.reading import MAX_FILE_BYTES, decode

MAX_ALL_BYTES = 4 * MAX_FILE_BYTES
MAX_MEMBERS = 200


def read_files(source: Path, problems: list[Problem]) -> dict[str, str]:
    """Return the text of every CSV file by name; what cannot be read is added to `problems`."""
    if source.is_dir():
        return _texts({path.name: partial(_head, path) for path in sorted(source.glob("*.csv"))}, problems)
    if not source.exists():
        problems.append(Problem(str(source), 0, "", "no such file or folder"))
        return {}
    try:
        with zipfile.ZipFile(source) as archive:
            return _texts(_members(archive, problems), problems)
    except (zipfile.BadZipFile, OSError) as error:
        problems.append(Problem(source.name, 0, "", f"is neither a folder nor a zip: {error}"))
        return {}


def _head(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _members(archive: zipfile.ZipFile, problems: list[Problem]) -> dict[str, Callable[[int], bytes]]:
    found: dict[str, Callable[[int], bytes]] = {}
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > MAX_MEMBERS:
        problems.append(Problem(Path(archive.filename or "").name, 0, "", f"holds more than {MAX_MEMBERS} files"))
        return {}
    for info in members:
        path = PurePosixPath(info.filename)
        if path.suffix != ".csv" or "__MACOSX" in path.parts:
            continue
        if path.name in found:
            problems.append(Problem(path.name, 0, "", "is in the zip twice"))
            continue
        found[path.name] = partial(_unpack, archive, info)
    return found


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    with archive.open(info) as member:
        return member.read(limit)


def _texts(files: dict[str, Callable[[int], bytes]], problems: list[Problem]) -> dict[str, str]:
    texts: dict[str, str] = {}
    left = MAX_ALL_BYTES
    for name, read in files.items():
        try:
            raw = read(MAX_FILE_BYTES + 1)
            left -= len(raw)
            if len(raw) > MAX_FILE_BYTES:
                raise ValueError(f"is larger than {MAX_FILE_BYTES // 1024**2} MB")
            if left < 0:
                raise ValueError(f"makes all files together larger than {MAX_ALL_BYTES // 1024**2} MB")
            texts[name] = decode(raw)
        except RuntimeError as error:  # zipfile's way to say that a member is encrypted
            problems.append(Problem(name, 0, "", f"cannot be unpacked: {error}"))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            problems.append(Problem(name, 0, "", f"is damaged: {error}"))
        except (OSError, ValueError) as error:
            problems.append(Problem(name, 0, "", str(error)))
    return texts
