"""The JSON Schema of a record, for who reads records without this package: `python -m simplibench.records.schema`."""

import json
from pathlib import Path
from typing import Any

from simplibench.files import write_text
from simplibench.records.tracks import TRACKS, schema

SCHEMA = Path(__file__).parent / "schema.json"


def schema_text() -> str:
    """Return the schema of every track's records, as it is to be in schema.json."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema().json_schema()}
    for kind in TRACKS.values():
        _allow_older_names(content["$defs"][kind.__name__])
    return json.dumps(content, indent=1) + "\n"


def _allow_older_names(record: dict[str, Any]) -> None:
    """Let a record say `reference` in place of `citation`, as those of version 1 do."""
    record["properties"]["reference"] = record["properties"]["citation"]
    record["required"].remove("citation")
    record["oneOf"] = [{"required": ["citation"]}, {"required": ["reference"]}]


if __name__ == "__main__":
    write_text(SCHEMA, schema_text())
    print(f"wrote {SCHEMA}")
