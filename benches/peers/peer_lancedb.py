"""LanceDB's share: a table of Arrow batches, asked by its exact search (it has no index until told to build one).

`PYTHON peer_lancedb.py query FOLDER VECTOR` is the one-shot process.
"""

import json
import sys

import lancedb


def fill(folder, records, vectors):
    """One table from arrays in memory."""
    import pyarrow

    columns = {key: [record[key] for record in records] for key in ("id", "document", "pos", "lexfile", "offset")}
    flat = pyarrow.array(vectors.reshape(-1))
    columns["vector"] = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    lancedb.connect(folder).create_table("glosses", pyarrow.table(columns))


def main():
    folder, vector = sys.argv[2:4]
    found = lancedb.connect(folder).open_table("glosses").search(json.loads(vector)).distance_type("cosine").limit(10)
    print(json.dumps([{key: row[key] for key in row if key != "vector"} for row in found.to_list()]))


if __name__ == "__main__":
    main()
