"""What draws the charts in a browser: Vega, Vega-Lite and Vega-Embed in one script."""

from functools import lru_cache

import vl_convert

EXPORTED = "window.vegaEmbed = vegaEmbed;"  # what it is to offer the page


@lru_cache(maxsize=1)
def renderer() -> str:
    """The script. Putting it together takes seconds."""
    return str(vl_convert.javascript_bundle(EXPORTED))
