"""The report of one submission as its reader meets it."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect
from reader import PHONE, ROOT, kept


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    report = tmp_path_factory.mktemp("report") / "svd.html"
    arguments = ["report", "svd", "--format", "html", "--output", str(report)]
    subprocess.run([sys.executable, "-m", "simplibench.cli", *arguments], check=True, cwd=ROOT)
    return report


def test_every_arena_has_its_charts_and_strata_follow_the_budget(visit):
    page = visit()
    for section in page.locator("details.charts:not([open]) > summary").all()[::-1]:
        section.click()
    charts = page.locator("details.charts .chart")
    assert charts.count() > 20
    for number in range(charts.count()):
        charts.nth(number).scroll_into_view_if_needed()
        expect(charts.nth(number).locator("svg")).to_be_visible()
    depth = page.locator('[data-chart="strata-depth"]').last
    expect(depth.locator('path[aria-label*="SVD(rank=8)"]').first).to_be_attached()
    depth.get_by_label("Budget").select_option(index=2)
    expect(depth.locator('path[aria-label*="SVD(rank=8)"]')).to_have_count(0)
    kept(page, "report")


def test_a_phone_scrolls_its_tables_but_never_the_page_sideways(visit):
    page = visit(PHONE)
    page.evaluate("document.querySelectorAll('details').forEach(closed => (closed.open = true))")
    expect(page.locator('[data-chart="rate"] svg').first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    kept(page, "phone-report")
