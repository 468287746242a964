"""Folders of records: which records can be used, which count, whether they hold, and whether a page is made of them."""
