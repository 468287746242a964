"""The JSON Schema of a record, for who reads records without this package: `python -m simplibench.records.schema`."""

import json
from pathlib import Path

from simplibench.files import write_text
from simplibench.records.tracks import schema

SCHEMA = Path(__file__).parent / "schema.json"


def schema_text() -> str:
    """Return the schema of every track's records, as it is to be in schema.json."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema().json_schema()}
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    write_text(SCHEMA, schema_text())
    print(f"wrote {SCHEMA}")
