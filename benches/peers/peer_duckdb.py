"""DuckDB's share: a table with an array column, asked by an exact scan with array_cosine_distance.

`PYTHON peer_duckdb.py query FILE VECTOR` is the one-shot process. The vss extension is left out, as its index is no part of the file
unless an experimental setting is on.
"""

import json
import sys

import duckdb

SELECT = (
    "select id, array_cosine_distance(embedding, ?::float[384]) as distance, pos, lexfile, \"offset\", document "
    "from glosses order by distance limit 10"
)


def fill(file, jsonl):
    """DuckDB's own reader of lines."""
    connection = duckdb.connect(file)
    connection.execute(
        "create table glosses as select id, document, pos, lexfile, \"offset\", embedding::float[384] as embedding "
        "from read_json(?, format = 'newline_delimited', columns = {id: 'varchar', document: 'varchar', pos: 'varchar', "
        "lexfile: 'integer', \"offset\": 'integer', embedding: 'float[]'})",
        [jsonl],
    )
    connection.close()


def main():
    file, vector = sys.argv[2:4]
    print(json.dumps(duckdb.connect(file, read_only=True).execute(SELECT, [json.loads(vector)]).fetchall()))


if __name__ == "__main__":
    main()
