"""Pages opened in Debian's Chromium; `file`, which a module defines, is the one that is read."""

import shutil

import pytest
from playwright.sync_api import Page, sync_playwright
from reader import DESKTOP


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium")
    assert chromium, "these tests need Debian's chromium on PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, headless=True, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser, file):
    """Opens the page in a window of its own; at the end nothing may have gone wrong or been fetched."""
    wrong, fetched, contexts = [], [], []

    def opened(viewport=DESKTOP, scheme="light") -> Page:
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
    assert {url for url in fetched if not url.startswith(("data:", "blob:"))} <= {file.as_uri()}
