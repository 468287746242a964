"""Folders of records: which can be used, which count, whether they hold, and whether a page is what they give."""
