"""The board in a browser: charts and one page of HTML, from boards and curves. Needs the extra `page`."""

import importlib.util

from simplibench.errors import UsageError
from simplibench.files import require_home

LIBRARIES = ("altair", "jinja2", "vl_convert")


def require_libraries() -> None:
    """Check for the libraries before a module of this folder is imported. Raises: UsageError that says what to install."""
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"pages are drawn with {', '.join(missing)}: pip install -e '.[page]'")
    require_home("pages")
