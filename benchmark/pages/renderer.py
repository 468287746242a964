"""The script that draws charts in a browser: Vega, Vega-Lite and Vega-Embed."""

from functools import lru_cache

import vl_convert

EXPORTED = "window.vegaEmbed = vegaEmbed;"  # the name that the page uses


@lru_cache(maxsize=1)
def renderer() -> str:
    """Return the script, which takes seconds to build."""
    return str(vl_convert.javascript_bundle(EXPORTED))
