"""The first paper's own direction: code completion trained on Java of CodeSearchNet (arXiv:1909.09436).

Its hashes are not pinned yet, nor are references trained: nobody here had the data set, and so it is no task to run yet.
Unpack its files into the folder `codesearchnet` of the cache, or install the library `datasets`; then
`simplibench.tasks.splits.generate(code_java)` builds the splits and prints the hashes to pin.
"""

from simplibench.tasks.code import CodeSearchNet
from simplibench.tasks.code_python import Code


class CodeJava(Code):
    """Java functions, test projects, and three languages no model was trained on."""

    name = "code-java"
    card = (
        "Functions of CodeSearchNet as characters, as in code-python. Models are trained on the training part of Java; "
        "out of distribution are Java's test part, which has other projects, and the test parts of other languages."
    )
    protocol = 1
    roles = {"fit": "fit", "id": "id", "unseen-project": "ood", "python": "ood", "javascript": "ood", "go": "ood"}
    hashes = {}


code_java = CodeJava(CodeSearchNet("java"))
task = None  # not yet: nothing is pinned and no reference trained
