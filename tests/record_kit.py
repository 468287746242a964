"""What simulated records of every track say alike."""

ENVIRONMENT = {"device": "cpu", "hardware": "h", "threads": 1, "python": "3.11", "packages": {}}


def facts(name, entry, seed, arena, tables, protocol):
    """A record's fields that are of no track. `tables`: its counts and its ground."""
    counts, ground = tables
    return {
        "key": "b" * 64,
        "created": "2026-01-01T00:00:00+00:00",
        "submission": name,
        "control": False,
        "authors": ("a",),
        "citation": "https://example.org",
        "source_sha256": "c" * 64,
        "entry": entry,
        "fields": {},
        "task": arena.partition("/")[0],
        "arena": arena,
        "seed": seed,
        "status": "ok",
        "reason": None,
        "in_process": False,
        "limit": None,
        "counts_sha256": counts.sha256(),
        "ground_sha256": ground.sha256(),
        "protocol": protocol.model_dump(),
        "environment": ENVIRONMENT,
    }
