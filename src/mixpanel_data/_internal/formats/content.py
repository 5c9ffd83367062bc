"""What a file is, told by its first bytes: one of the forms of an export, or something else."""

from __future__ import annotations

import codecs
from enum import Enum

from mixpanel_data._internal.formats.refusals import wrong_content

# A tar file names itself by its 512th byte; the names of a table's columns may take more.
_ENOUGH, _LONGEST_HEADER = 512, 64 << 10
_TAR_END = 1024
_SEPARATORS = (b",", b";", b"\t")

EVENT_COLUMNS = ("event", "event_name", "EVENT_NAME", "Event", "Event Name", "Event name")
ID_COLUMNS = ("$distinct_id", "distinct_id", "DISTINCT_ID", "Distinct ID", "Distinct Id")
_COLUMNS = frozenset(name.encode() for name in (*EVENT_COLUMNS, *ID_COLUMNS))


class Content(Enum):
    """The forms that are read."""

    LINES = "JSON Lines"
    PRETTY = "pretty-printed JSON"
    LIST = "a JSON list"
    TABLE = "a table as CSV"
    TAR = "a tar archive"
    ZIP = "a zip archive"
    PARQUET = "Parquet"


_SEEKABLE = {b"PAR1": Content.PARQUET, b"PK\x03\x04": Content.ZIP, b"PK\x05\x06": Content.ZIP}

_DECRYPT = "Decrypt it, and load what it holds."
_UNPACK = "Unpack it, and load what it holds; zip, tar, gzip and zstd are read as they are."
_EXPORT = "Export from it what you need as JSON Lines, Parquet or CSV."
# By the byte that they begin at.
_FOREIGN: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"SQLite format 3\0", "a SQLite database", _EXPORT),
    (8, b"DUCK", "a DuckDB database", "Open it with --db, or with StorageEngine.open_existing()."),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (0, b"\xfd7zXZ\0", "compressed by xz", _UNPACK),
    (0, b"BZh", "compressed by bzip2", _UNPACK),
    (0, b"\x04\x22\x4d\x18", "compressed by lz4", _UNPACK),
    (0, b"\x1f\x8b", "compressed twice", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed twice", _UNPACK),
    (0, b"\x1f\x9d", "compressed by compress", _UNPACK),
    (0, b"\xff\x06\0\0sNaPpY", "compressed by Snappy", _UNPACK),
    (0, b"age-encryption.org/", "encrypted by age", _DECRYPT),
    (0, b"-----BEGIN AGE ENCRYPTED", "encrypted by age", _DECRYPT),
    (0, b"-----BEGIN PGP MESSAGE", "encrypted by PGP", _DECRYPT),
    (0, b"Salted__", "encrypted by OpenSSL", _DECRYPT),
    (0, b"\xd0\xcf\x11\xe0", "an old Excel or Word file", _EXPORT),
    (0, b"%PDF", "a PDF file", _EXPORT),
    (0, b"HTTP/", "an answer with its HTTP headers", "Fetch it again without them (curl -i)."),
    (0, b"Obj\x01", "an Avro file", _EXPORT),
    (0, b"ORC", "an ORC file", _EXPORT),
    (0, b"ARROW1", "an Arrow file", _EXPORT),
    (0, b"PARE", "an encrypted Parquet file", _DECRYPT),
    (
        0,
        b"version https://git-lfs",
        "a pointer of Git LFS",
        "Fetch the file itself with `git lfs pull`.",
    ),
)


def is_enough(start: bytes) -> bool:
    """Return whether the first bytes of a source tell what it is."""
    text = _stripped(start)
    if text[:1] in (b"{", b"["):
        return text[:1] == b"[" or bool(text[1:].lstrip(b" \t\r"))
    return len(start) >= _ENOUGH and (b"\n" in start or len(start) >= _LONGEST_HEADER)


def encoding_of(start: bytes) -> str | None:
    """Return the encoding of a text that is not UTF-8, as PowerShell and Excel write it."""
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if start.startswith(mark):
            return name
    return {b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be"}.get(
        start[:2]
    )


def seekable_content(start: bytes) -> Content | None:
    """Return the form of a file that can only be read from its end, None for others."""
    return _SEEKABLE.get(start[:4])


def content_of(start: bytes, source: str) -> Content:
    """Return what a source is that begins with *start*.

    Raises:
        InvalidRecordError: it is something that holds no export, or cannot be read.
    """
    text = _stripped(start)
    if text[:1] == b"{":
        return Content.PRETTY if text[1:].lstrip(b" \t\r")[:1] == b"\n" else Content.LINES
    if text[:1] == b"[":
        return Content.LIST
    if content := seekable_content(start):
        return content
    if b"\0" not in start[:_ENOUGH] and separator_of(text):
        return Content.TABLE
    for at, magic, what, suggestion in _FOREIGN:
        if start.startswith(magic, at):
            raise wrong_content(source, f"{what}, not an export of Mixpanel", suggestion)
    if text[:1] == b"<":
        what = "an HTML page" if b"html" in text[:_ENOUGH].lower() else "XML"
        raise wrong_content(
            source,
            f"{what}, as proxies and pages for logging in send it, not an export of Mixpanel",
            "Check the address and the account that it was fetched with, and fetch it again.",
        )
    # An empty archive is all zeros.
    if start.startswith(b"ustar", 257) or start[:_TAR_END] == bytes(_TAR_END):
        return Content.TAR
    if b"\0" in start[:_ENOUGH]:
        raise wrong_content(source, "a binary file of a kind that is not read", _EXPORT)
    return Content.LINES


def _stripped(start: bytes) -> bytes:
    return start.removeprefix(codecs.BOM_UTF8).lstrip()


def separator_of(text: bytes) -> str | None:
    """Return what separates the columns of a table that *text* begins, None if it begins none."""
    header = text.partition(b"\n")[0]
    for separator in _SEPARATORS:
        if _COLUMNS & {cell.strip().strip(b'"') for cell in header.split(separator)} and (
            separator in header
        ):
            return separator.decode()
    return None
