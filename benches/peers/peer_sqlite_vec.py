"""sqlite-vec's share: a vec0 table filled from Python, asked by Debian's sqlite3 shell.

The id is the table's primary key, as ids are unique in all the others; metadata columns can be filtered, the document is
an auxiliary column. The query is vec0's exact scan, which is what it has.
"""

import json
import sqlite3
import struct

import sqlite_vec

TABLE = (
    "create virtual table glosses using vec0("
    "id text primary key, embedding float[384] distance_metric=cosine, pos text, lexfile integer, offset integer, +document text)"
)
INSERT = "insert into glosses(id, embedding, pos, lexfile, offset, document) values (?, ?, ?, ?, ?, ?)"


def connect(file):
    connection = sqlite3.connect(file)
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    return connection


def fill(file, records, blobs):
    """Inserts records in one transaction; each vector is the bytes of its f32."""
    connection = connect(file)
    with connection:
        connection.execute(TABLE)
        rows = ((r["id"], blob, r["pos"], r["lexfile"], r["offset"], r["document"]) for r, blob in zip(records, blobs))
        connection.executemany(INSERT, rows)
    connection.close()


def fill_jsonl(file, jsonl):
    """The same from a file of lines."""
    connection = connect(file)
    pack = struct.Struct("384f").pack
    with connection, open(jsonl, encoding="utf-8") as lines:
        connection.execute(TABLE)
        records = map(json.loads, lines)
        rows = ((r["id"], pack(*r["embedding"]), r["pos"], r["lexfile"], r["offset"], r["document"]) for r in records)
        connection.executemany(INSERT, rows)
    connection.close()


def shell(file, vector_json, hits=10):
    """The command line of one query in the sqlite3 shell."""
    query = (
        "select id, distance, pos, lexfile, offset, document from glosses "
        f"where embedding match '{vector_json}' and k = {hits} order by distance"
    )
    return ["sqlite3", "-json", "-cmd", f".load {sqlite_vec.loadable_path()}", file, query]
