"""File names of records: no two entries share one, also where a file system takes capitals for small letters."""

import hashlib
import re
from pathlib import Path

from simplibench.records.record import SeedName

LONGEST_SLUG = 100  # characters of an entry in a file name
HASH_DIGITS = 16
# Classes that had records before names were told apart by their capitals too: so written, they need no hash.
SPELLED = {name.lower(): name for name in ("Integrated", "KMeans", "PCA", "SVD")}
# Of a label of this form nothing is lost when its marks become dashes: `SVD(rank=4)` <-> SVD-rank-4.
ARGUMENT = r"[a-z_][a-z0-9_]*=(?:\d+(?:\.\d+)?|True|False|None)"
PLAIN = re.compile(rf"([A-Za-z][A-Za-z0-9_]*)\((?:{ARGUMENT}(?:, {ARGUMENT})*)?\)", re.ASCII)


def entry_path(arena: str, submission: str, entry: str, seed: SeedName) -> Path:
    """Return <task>/<component.layer>/<submission>/<entry>.seed-<n>.json, below a root.

    A label that its slug may not give back gets its hash: `A(x=-1)` -> A-x-1--7b0fd8e0a5d8d4e4.
    """
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", entry).strip("-.")
    if not _is_plain(entry, submission) or len(slug) > LONGEST_SLUG:
        digest = hashlib.sha256(entry.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]
        slug = f"{slug[: LONGEST_SLUG - HASH_DIGITS - 2]}--{digest}"
    return Path(arena) / submission / f"{slug}.seed-{seed}.json"


def _is_plain(entry: str, submission: str) -> bool:
    """Return whether no other label has its slug: of each class name, whatever its capitals, one spelling is plain.

    That is the submission's own name in CamelCase, `my-method` -> MyMethod, where none of SPELLED is meant.
    """
    parts = PLAIN.fullmatch(entry)
    if parts is None:
        return False
    name = parts[1]
    usual = "".join(word.capitalize() for word in submission.split("-"))
    return name == SPELLED.get(name.lower(), usual)
