"""What a reader has: two sizes of screen, and pictures that are kept."""

import os
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent.parent
SCREENSHOTS = Path(os.environ.get("SIMPLIBENCH_SCREENSHOTS", ROOT / "build" / "screenshots"))
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def kept(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
