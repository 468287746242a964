"""Analyses after papers, one folder each: they measure shipped models and write tables and figures."""
