"""The papers' analyses, a folder each: shipped models in, tables and figures out."""
