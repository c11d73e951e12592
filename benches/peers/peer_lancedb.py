"""LanceDB's share: a table of Arrow batches, asked by its exact search (it has no index until told to build one), and for
millions of vectors by its IVF index.

`PYTHON peer_lancedb.py query FOLDER VECTOR` is the one-shot process, `PYTHON peer_lancedb.py ivf FOLDER VECTOR PROBES` that of
the index.
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


def fill_ivf(folder, chunks):
    """A table of vectors, a chunk at a time, and its default index: IVF with product quantisation."""
    import pyarrow

    def batches():
        number = 0
        for vectors in chunks:
            flat = pyarrow.array(vectors.reshape(-1))
            columns = {
                "id": pyarrow.array(range(number, number + len(vectors))),
                "vector": pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
            }
            number += len(vectors)
            yield pyarrow.RecordBatch.from_pydict(columns)

    first = next(rest := batches())
    table = lancedb.connect(folder).create_table("vectors", pyarrow.Table.from_batches([first]))
    for batch in rest:
        table.add(pyarrow.Table.from_batches([batch]))
    table.optimize()
    table.create_index(metric="cosine", vector_column_name="vector")


def ivf(folder, vector, probes):
    """The hits of the index, ranked again by the embeddings of fifty times as many, which its recall needs."""
    table = lancedb.connect(folder).open_table("vectors")
    asked = table.search(json.loads(vector)).distance_type("cosine").nprobes(int(probes)).refine_factor(50).limit(10)
    print(json.dumps([row["id"] for row in asked.select(["id"]).to_list()]))


def main():
    if sys.argv[1] == "ivf":
        ivf(*sys.argv[2:5])
        return
    folder, vector = sys.argv[2:4]
    found = lancedb.connect(folder).open_table("glosses").search(json.loads(vector)).distance_type("cosine").limit(10)
    print(json.dumps([{key: row[key] for key in row if key != "vector"} for row in found.to_list()]))


if __name__ == "__main__":
    main()
