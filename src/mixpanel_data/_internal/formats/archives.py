"""Archives of export files -> the text of each file in them."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mixpanel_data._internal.formats.refusals import cut_short, wrong_content
from mixpanel_data._internal.formats.text import CountingReader, Text, seekable

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENCRYPTED = 1
_BLOCK = 512
# What macOS adds to archives.
_NOT_DATA = ("__MACOSX/", ".DS_Store", "._")


def refuse_nested(text: Text, nested: bool) -> None:
    """Refuse an archive that is itself in an archive.

    Raises:
        InvalidRecordError: it is.
    """
    if nested:
        raise wrong_content(
            text.name, "an archive within an archive", "Unpack the outer one, and load its files."
        )


def tar(text: Text) -> Iterator[Text]:
    """Yield the files of a tar archive, as they come.

    Raises:
        InvalidRecordError: it is damaged or cut short.
    """
    whole: Any = _Reader(text)
    with _damage(text.name), tarfile.open(fileobj=whole, mode="r|") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None and _is_data(member.name):
                yield _text(stream, f"{text.name}/{member.name}")
    # To the checksum of what it is compressed by.
    while whole.read(_BLOCK):
        pass
    if whole.tail.strip(b"\0"):
        # Only the end of an archive tells that no file is missing.
        raise cut_short(text.name, 1, "the archive has no end")


def zipped(text: Text) -> Iterator[Text]:
    """Yield the files of a zip archive.

    Raises:
        InvalidRecordError: it is damaged, cut short, encrypted, or no archive of files.
    """
    with _damage(text.name), zipfile.ZipFile(seekable(text)) as archive:
        names = set(archive.namelist())
        if "[Content_Types].xml" in names:
            raise wrong_content(
                text.name, "an Excel or Office file", "Save it as CSV (UTF-8), and load that."
            )
        for member in archive.infolist():
            name = f"{text.name}/{member.filename}"
            if member.flag_bits & _ENCRYPTED:
                raise wrong_content(
                    name, "encrypted with a password", "Unpack it, and load the files."
                )
            if not member.is_dir() and _is_data(member.filename):
                with archive.open(member) as stream:
                    yield _text(stream, name)


def _text(stream: Any, name: str) -> Text:
    return Text(CountingReader(_Member(stream), name))


def _is_data(name: str) -> bool:
    return not name.startswith(_NOT_DATA[0]) and not name.rpartition("/")[2].startswith(
        _NOT_DATA[1:]
    )


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        raise cut_short(name, 1, f"the archive is damaged or cut short ({error})") from error
    except NotImplementedError as error:
        raise wrong_content(
            name, f"an archive that cannot be read ({error})", "Unpack it, and load the files."
        ) from error


class _Member:
    """A file in an archive; damage is the bare OSError that readers of text expect."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        try:
            block: bytes = self._stream.read(size)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
            raise OSError(str(error)) from error
        return block


class _Reader:
    """The text of a source as a file that tarfile reads from front to end."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._ahead = self.tail = b""

    def read(self, size: int) -> bytes:
        while len(self._ahead) < size and (block := self._text.next_block()):
            self._ahead += block
        block, self._ahead = self._ahead[:size], self._ahead[size:]
        self.tail = (self.tail + block)[-_BLOCK:]
        return block
