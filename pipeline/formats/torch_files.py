"""Load plain objects that torch.save wrote, without torch and without running or importing code of the file.

A file is either a zip with the pickle `NAME/data.pkl` in it, or, before torch 1.6, pickles one after another: a number
that tells the form, a version, the sizes of the machine's integers, and then the object. Either may be packed.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from pipeline.errors import NotThisFormError, from_os
from pipeline.formats import packed, pickles, signatures, zips

_FORM = 0x1950A86A20F9469CFC6C
_BEFORE = 2  # pickles between the number that tells the form and the object


def load(path: Path, allowed: pickles.Allowed) -> Any:
    """The object in the file; tensors are refused, as they are data outside of the pickle.

    Raises:
        NotThisFormError: it is damaged, of another form, or asks for something that `allowed` does not hold; the
            message leaves the file's name to the caller.
        UserError: the file cannot be read.
    """
    try:
        if zipfile.is_zipfile(path) and (data := _member(path)) is not None:
            return pickles.load(io.BytesIO(data), allowed)  # read alone, whatever tensors lie beside it
        unpacked = packed.content(path)
        if unpacked.startswith(zips.BEGINNING) and (data := _member(io.BytesIO(unpacked))) is not None:
            return pickles.load(io.BytesIO(data), allowed)
        stream = io.BytesIO(unpacked)
        if not unpacked.startswith(pickles.BEGINNING) or pickles.load(stream, {}) != _FORM:
            raise NotThisFormError("not what torch.save writes")
        for _ in range(_BEFORE):
            pickles.load(stream, {})
        return pickles.load(stream, allowed)
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    except NotThisFormError as error:
        form = signatures.identify(path)
        if form is None or form.content in (signatures.CHECKPOINT.name, *signatures.PACKINGS):
            raise
        raise NotThisFormError(signatures.said("it", form, "a file of torch.save")) from error


def _member(archived: Path | io.BytesIO) -> bytes | None:
    """The pickle in a zip; None where there is none, as in one of a file that is packed."""
    try:
        with zipfile.ZipFile(archived) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith("/data.pkl")]
            if not members:
                return None
            if len(members) > 1:
                raise NotThisFormError(f"a zip with {len(members)} files data.pkl, where torch.save writes one")
            with archive.open(members[0]) as stream:
                data = stream.read(packed.MAX_BYTES + 1)
    except packed.BROKEN_ZIP as error:
        raise NotThisFormError(f"a damaged zip: {' '.join(str(error).split())}") from error
    if len(data) > packed.MAX_BYTES:
        raise packed.too_large(packed.MAX_BYTES)
    return data
