"""Where real code comes from: pinned public packages, the functions in them, and what each character of one is."""

from benchmark.corpus.codesearchnet import CodeSearchNet
from benchmark.corpus.functions import distinct, key
from benchmark.corpus.manifest import Group, Language, Manifest, Package, Selection, load_manifest
from benchmark.corpus.sources import PinnedPackages, Source
from benchmark.corpus.strata import Kind, strata

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
