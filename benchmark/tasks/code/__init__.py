"""Where real code comes from: pinned public packages, the functions in them, and what each character of one is."""

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
