"""Sources of real code: pinned public packages, the functions in them, and the stratum of each character."""

from simplibench.tasks.code.codesearchnet import CodeSearchNet
from simplibench.tasks.code.functions import distinct, key
from simplibench.tasks.code.manifest import Group, Language, Manifest, Package, Selection, load_manifest
from simplibench.tasks.code.sources import PinnedPackages, Source
from simplibench.tasks.code.strata import Kind, strata

__all__ = [
    "CodeSearchNet",
    "Group",
    "Kind",
    "Language",
    "Manifest",
    "Package",
    "PinnedPackages",
    "Selection",
    "Source",
    "distinct",
    "key",
    "load_manifest",
    "strata",
]
