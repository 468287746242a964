"""Where real code comes from: pinned public packages, the functions in them, and what each character of one is."""

from simplibench.corpus.codesearchnet import CodeSearchNet
from simplibench.corpus.functions import distinct, key
from simplibench.corpus.manifest import Group, Language, Manifest, Package, Selection, load_manifest
from simplibench.corpus.sources import PinnedPackages, Source
from simplibench.corpus.strata import Kind, strata

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
