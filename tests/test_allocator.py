"""Freed memory is kept."""

import ctypes

from simplibench import allocator


def test_the_c_library_listens_where_there_is_glibc_and_nothing_breaks_where_there_is_not(monkeypatch):
    assert allocator.keep_freed_memory() is hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_freed_memory()
