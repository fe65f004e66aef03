"""Files as people have them, files that are something else, and pictures for somebody else's decoder."""

import codecs
import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.attack.case import Case
from tests.attack.cases.files import MAPPED, table
from tests.fixtures import mapped_tables, nasbench201_files

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
OTHER = CELL.replace("avg_pool", "nor_conv")
ROW = f"arch,acc\n{CELL},93.5\n"
SCORE = "score nasbench201 --proxy random --executor inline --only list.txt"


def file(name: str, content: bytes | str) -> Callable[[Path], object]:
    """Write one file."""
    data = content.encode() if isinstance(content, str) else content

    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return make


def named(name: str, content: bytes | str = ROW) -> Callable[[Path], object]:
    """Write `mine.toml` and the table under another name."""

    def make(folder: Path) -> None:
        table(content)(folder)
        (folder / "table.csv").rename(folder / name)

    return make


def mapping(text: bytes, name: str = "mine.toml") -> Callable[[Path], object]:
    """Write a table, and a table mapping of this content."""

    def make(folder: Path) -> None:
        table(ROW)(folder)
        (folder / "mine.toml").unlink()
        (folder / name).write_bytes(text)

    return make


TOML = (mapped_tables.MAPPING + mapped_tables.ACCURACY).encode()


def pictures(content: bytes) -> Callable[[Path], object]:
    """Write a folder of one file named as a picture."""
    return file("images/000.jpg", content)


def nats(folder: Path, *left: str) -> None:
    """Write a folder of one published file, and what systems leave beside it."""
    nasbench201_files.nats_folder(folder / "nats", [CELL], {"12": [777]})
    for name in left:
        (folder / "nats" / name).write_bytes(b"\0\5\x16\7" + bytes(100))


def shared_value(folder: Path) -> None:
    """Write a pickle of 218 bytes whose value would be written out as 2^30 elements, and a mapping for it."""
    shared: list[object] = [0]
    for _ in range(30):
        shared = [shared, shared]
    (folder / "t.pkl").write_bytes(pickle.dumps({"k": shared}))
    text = mapped_tables.MAPPING.replace('"csv"', '"pickle"').replace('column = "arch"', 'column = "@value"')
    (folder / "mine.toml").write_text(text + mapped_tables.ACCURACY.replace('"acc"', '"@value"'))


IMAGES = "score nasbench201 --images images --sample 1 --executor inline"

CASES = [
    Case("a table with a byte-order mark and CRLF", MAPPED, exit=0, says=("1 architecture, 1 value",), stores=True,
         make=table(codecs.BOM_UTF8 + ROW.replace("\n", "\r\n").encode() + b"\r\n\r\n"), lake="none"),
    Case("a mapping with a byte-order mark", MAPPED, exit=0, says=("1 architecture",), stores=True, lake="none",
         make=mapping(codecs.BOM_UTF8 + TOML)),
    Case("a mapping named .TOML", "ingest nasbench201 table.csv --mapping MINE.TOML", exit=0, says=("1 architecture",),
         stores=True, lake="none", make=mapping(TOML, "MINE.TOML")),
    Case("a mapping in UTF-16", MAPPED, make=mapping(TOML.decode().encode("utf-16")),
         says=("table mapping mine.toml is text in UTF-16, where a TOML file is expected: save it in UTF-8",)),
    Case("a mapping nested too deeply", MAPPED, make=mapping(b"a = " + b"[" * 100_000), says=("nested too deeply",)),
    Case("a mapping with an endless number", MAPPED, make=mapping(b"version = 1" + b"0" * 5000), says=("mine.toml",)),
    Case("a mapping with a number of 100 bits", MAPPED, says=("where a whole number of 63 bits is expected",),
         make=mapping(TOML.replace(b"name =", b"version = 1267650600228229401496703205376\nname =", 1))),
    Case("a mapping with an infinite scale", MAPPED, make=mapping(TOML + b"scale = 1e400\n"),
         says=("truth.1.scale is inf, where a finite number is expected",)),
    Case("digits of another script in a cell", MAPPED, make=table(f"arch,acc\n{CELL},٩٣\n"), lake="none",
         says=("column 'acc' holds '٩٣', where a number is expected",)),
    Case("underscores in a number", MAPPED, make=table(f"arch,acc\n{CELL},9_3\n"), lake="none", says=("'9_3'",)),
    Case("a table in UTF-16", MAPPED, make=table(ROW.encode("utf-16")), says=("table.csv is text in UTF-16",)),
    Case("a web page as a table", MAPPED, make=table("<!DOCTYPE html><html>"), says=("is a web page (HTML), where",)),
    Case("a Git LFS pointer as a table", MAPPED, says=("Git LFS pointer", "git lfs pull"),
         make=table("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")),
    Case("a column of 30,000", MAPPED, make=table(",".join(f"c{i}" for i in range(30_000)) + "\n1\n"),
         says=("1 row cannot be taken",), seconds=5, lake="none"),
    Case("30,000 columns of another name", MAPPED, says=("unknown column",), seconds=5, lake="none",
         make=table(",".join(f"c{i}" for i in range(30_000)) + "\n" + ",".join("1" * 30_000) + "\n")),
    Case("a table without a mapping whose columns no mapping has", "ingest nasbench201 table.csv", make=table(ROW),
         says=("table.csv is a table of text, which needs a table mapping", "(arch, acc)", "bring-your-own-table"),
         never=("not a whole pickle",)),
    Case("a table without a mapping, parted by tabs", "ingest nds table.csv", make=table("a\tb\n1\t2\n"),
         says=("is a table of text", "(a, b)")),
    Case("a gzipped table as a whole benchmark", "ingest nasbench101 t.gz", says=("t.gz is a table of text",),
         make=file("t.gz", gzip.compress(ROW.encode()))),
    Case("a checkpoint as a benchmark", "ingest nasbench201 m.pth",
         says=("is a PyTorch checkpoint", "load it with torch"),
         make=file("m.pth", b"PK\3\4" + bytes(22) + b"\x0a\0\0\0m/data.pkl" + bytes(200)), never=("persistent",)),
    Case("an old checkpoint as a benchmark", "ingest nasbench101 m.pth", says=("PyTorch checkpoint",),
         make=file("m.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."), never=("persistent",)),
    Case("a tar as a benchmark", "ingest nasbench201 x.tar", says=("is a tar archive", "unpack it"),
         make=file("x.tar", b"x".ljust(257, b"\0") + b"ustar\x0000" + bytes(250))),
    Case("a zip as a benchmark", "ingest nasbench101 x.zip", says=("is a zip archive", "unpack it"),
         make=file("x.zip", b"PK\3\4" + bytes(22) + b"\5\0\0\0a.csv" + bytes(90))),
    Case("a PDF as a benchmark", "ingest nds DARTS.json", says=("is a PDF",), make=file("DARTS.json", b"%PDF-1.7 ...")),
    Case("system files beside a benchmark's", "ingest nasbench201 nats", exit=0, says=("1 architecture", "0 rejected"),
         lake="none", stores=True, make=lambda folder: nats(folder, "._000000.pickle.pbz2", ".DS_Store")),
    Case("a self-sharing key's value", "ingest nasbench201 t.pkl --mapping mine.toml", seconds=5, lake="none",
         says=("t.pkl", "key k"), make=shared_value),
    Case("a list with a byte-order mark, quotes, CRLF and a duplicate", SCORE, exit=0, says=("2 ok",), lake="cells",
         lines=3, stores=True,
         make=file("list.txt", b"\xef\xbb\xbf" + f'"{CELL}"\r\n{OTHER}\r\n{CELL}\r\n\r\n'.encode())),
    Case("a list in UTF-16", SCORE, lake="cells", make=file("list.txt", CELL.encode("utf-16")),
         says=("--only list.txt is text in UTF-16, where a list of architectures is expected",)),
    Case("a list that is a pickle", SCORE, lake="cells", make=file("list.txt", pickle.dumps([CELL])),
         says=("a pickle",)),
    Case("a list of nothing", SCORE, lake="cells", make=file("list.txt", "\n\n"), says=("lists no architecture",)),
    Case("a list nested too deeply", SCORE, lake="cells", make=file("list.txt", '{"a":' * 9999), says=("line 1",)),
    Case("SQL with a byte-order mark", "query --file q.sql", exit=0, make=file("q.sql", b"\xef\xbb\xbfSELECT 1 AS x")),
    Case("SQL that is a zip", "query --file q.sql",
         says=("q.sql is a zip",), make=file("q.sql", b"PK\3\4" + bytes(60))),
    Case("a preset named .TOML", "score nasbench201 --proxy MINE.TOML --executor inline", lake="cells",
         make=file("MINE.TOML", "x = 1"), says=("proxy preset MINE.TOML",), never=("unknown proxy",)),
    Case("PostScript named as a picture", IMAGES, lake="cells", says=("000.jpg", "it is a PostScript file"),
         make=pictures(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ran) (w) file closefile\n")),
    Case("a truncated picture", IMAGES, lake="cells",
         says=("000.jpg",), make=pictures(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")),
    Case("CIFAR-100 as images", IMAGES, lake="cells", says=("the folder is CIFAR-100's",),
         make=lambda folder: [file(f"images/{name}", b"x")(folder) for name in ("train", "test", "meta")]),
    Case("CIFAR-10 in fractions", IMAGES, lake="cells", says=("fractions from 0 to 1", "multiply them by 255"),
         make=file("images/data_batch_1", pickle.dumps({b"data": np.linspace(0, 1, 16 * 3072).reshape(16, 3072)}))),
    Case("an array in fractions", "score nasbench201 --images a.npz --executor inline", lake="cells",
         says=("a.npz holds float64", "multiply fractions by 255"),
         make=lambda folder: np.savez(folder / "a.npz", np.linspace(0, 1, 3072).reshape(1, 32, 32, 3))),
    Case("an .npy file as images", "score nasbench201 --images a.npy --executor inline", lake="cells",
         says=("(an .npy file, one array of numpy) is neither",), make=file("a.npy", b"\x93NUMPY\1\0" + bytes(90))),
    *(
        Case(f"a lake whose path has {what}", f"{MAPPED} --lake '{name}'", make=table(ROW), lake="none", says=says)
        for what, name, says in (
            ("a question mark", "a?b", ("a?b, whose path has the character ?",)),
            ("a backslash", "a\\\\b", ("whose path has the character",)),
            ("bytes that are not in UTF-8", "a\udce4b", ("is not in UTF-8",)),
        )
    ),
    Case("a lake whose path has other odd characters", f"{MAPPED} --lake \"it's 100%#*[b]=c;{{d}}\"", exit=0,
         says=("1 architecture",), make=table(ROW), lake="none", writes=("it's 100%#*[b]=c;{d}",)),
    Case("a report where nothing may be written", "report --out closed/report", says=("closed/report",),
         never=("--lake",), make=file("closed", "a file")),
]  # fmt: skip
