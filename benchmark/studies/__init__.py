"""The papers' analyses, a file each: shipped models in, tables and figures out."""
