"""The JSON Schema of a record, for who reads records without this package: `python -m simplibench.records.schema`."""

import json
from pathlib import Path

from simplibench.files import write_text
from simplibench.records.store import RECORDS

SCHEMA = Path(__file__).parent / "schema.json"


def schema_text() -> str:
    """The schema of every track's records, as it is to be in schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **RECORDS.json_schema()}
    return json.dumps(schema, indent=1) + "\n"


if __name__ == "__main__":
    write_text(SCHEMA, schema_text())
    print(f"wrote {SCHEMA}")
