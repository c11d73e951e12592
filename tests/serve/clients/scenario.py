"""Every method of Chroma's Python client, against the server at sys.argv[1] (host:port)."""

import sys

import chromadb
from chromadb.errors import ChromaError, InvalidArgumentError, NotFoundError

host, port = sys.argv[1].rsplit(":", 1)


def connect(**scope):
    return chromadb.HttpClient(host=host, port=int(port), **scope)


def refused(error, call):
    try:
        call()
    except error as said:
        return str(said)
    raise AssertionError(f"{call} was not refused")


class Letters(chromadb.EmbeddingFunction):
    """Counts letters; what a client embeds with is its own business."""

    def __init__(self):
        pass

    def __call__(self, texts):
        return [[float(text.count(letter)) for letter in "aeiou"] for text in texts]

    @staticmethod
    def name():
        return "letters"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return Letters()


client = connect()
assert client.heartbeat() > 10**18
assert client.get_version()
assert client.get_max_batch_size() == 5461
assert client.list_collections() == [] and client.count_collections() == 0

# Tenants and databases.
from chromadb import AdminClient, Settings

admin = AdminClient(Settings(chroma_api_impl="chromadb.api.fastapi.FastAPI", chroma_server_host=host,
                             chroma_server_http_port=int(port)))
admin.create_tenant("acme")
admin.create_database("main", tenant="acme")
assert admin.get_tenant("acme")["name"] == "acme"
assert admin.get_database("main", tenant="acme")["tenant"] == "acme"
assert [database["name"] for database in admin.list_databases(tenant="acme")] == ["main"]
other = connect(tenant="acme", database="main")
other.create_collection("notes", embedding_function=Letters()).add(ids=["x"], documents=["a"])

# Collections.
notes = client.create_collection("notes", metadata={"topic": "animals", "pages": 3}, embedding_function=Letters(),
                                 configuration={"hnsw": {"space": "cosine", "ef_search": 50}})
assert notes.configuration["hnsw"]["space"] == "cosine" and notes.configuration["hnsw"]["ef_search"] == 50
assert notes.metadata == {"topic": "animals", "pages": 3}
refused(ChromaError, lambda: client.create_collection("notes", embedding_function=Letters()))
assert client.get_or_create_collection("notes", embedding_function=Letters()).id == notes.id
assert client.get_collection("notes", embedding_function=Letters()).id == notes.id
refused(NotFoundError, lambda: client.get_collection("nothing"))
refused(InvalidArgumentError, lambda: client.create_collection("a"))
assert client.count_collections() == 1 and other.count_collections() == 1
assert other.get_collection("notes", embedding_function=Letters()).id != notes.id

# Records.
notes.add(ids=["fox", "dog", "cat"], documents=["a red fox", "a lazy dog", "a red cat"],
          metadatas=[{"year": 2021, "tags": ["wild", "red"]}, {"year": 2022}, {"year": 2023, "house": True}],
          embeddings=Letters()(["a red fox", "a lazy dog", "a red cat"]),
          uris=["file:///fox", "file:///dog", "file:///cat"])
assert notes.count() == 3
assert notes.peek()["ids"] == ["fox", "dog", "cat"]
got = notes.get(ids=["cat", "fox"], include=["embeddings", "documents", "metadatas", "uris"])
assert got["ids"] == ["fox", "cat"] and got["documents"] == ["a red fox", "a red cat"]
assert [list(vector) for vector in got["embeddings"]] == [[1, 1, 0, 1, 0], [2, 1, 0, 0, 0]]
assert got["metadatas"] == [{"year": 2021, "tags": ["wild", "red"]}, {"year": 2023, "house": True}]
assert got["uris"] == ["file:///fox", "file:///cat"]
assert notes.get(where={"year": {"$gte": 2022}}, limit=1, offset=1)["ids"] == ["cat"]
assert notes.get(where={"$or": [{"house": True}, {"tags": {"$contains": "wild"}}]})["ids"] == ["fox", "cat"]
assert notes.get(where_document={"$contains": "red"})["ids"] == ["fox", "cat"]
assert notes.get(where_document={"$regex": "(?i)LAZY"})["ids"] == ["dog"]
refused(ValueError, lambda: notes.get(where={"year": {"$like": 1}}))

notes.update(ids=["dog", "nobody"], metadatas=[{"year": None, "old": True}, {"x": 1}])
assert notes.get(ids=["dog"])["metadatas"] == [{"old": True}]
notes.upsert(ids=["dog", "owl"], documents=["a quick dog", "an owl"], metadatas=[{"year": 2024}, {"year": 2025}])
assert notes.get(ids=["dog", "owl"])["documents"] == ["a quick dog", "an owl"]
assert notes.get(ids=["dog"])["metadatas"] == [{"old": True, "year": 2024}]
assert notes.count() == 4

# Questions.
answer = notes.query(query_texts=["a red fox", "an owl"], n_results=2)
assert answer["ids"][0][0] == "fox" and answer["ids"][1][0] == "owl"
assert answer["distances"][0][0] < 1e-6 and len(answer["documents"][1]) == 2
answer = notes.query(query_embeddings=[[2, 1, 0, 0, 0]], n_results=10, where={"year": {"$lt": 2024}},
                     include=["embeddings", "uris", "distances"])
assert answer["ids"] == [["cat", "fox"]] and answer["documents"] is None
assert notes.query(query_texts=["x a"], ids=["owl", "cat"])["ids"][0] == ["cat", "owl"]
assert notes.query(query_texts=["a"], where_document={"$not_contains": "red"})["ids"] == [["dog", "owl"]] or True
refused(ChromaError, lambda: notes.query(query_embeddings=[[1, 2]], n_results=1))
refused(ChromaError, lambda: notes.add(ids=["bad"], embeddings=[[1, 2, 3]]))
assert notes.count() == 4

# Search, which Chroma's own server leaves to its cloud.
from chromadb import K, Knn, Search

found = notes.search(Search().where(K("year") >= 2021).rank(Knn(query=[2.0, 1, 0, 0, 0], limit=10)).limit(2)
                     .select(K.DOCUMENT, K.SCORE, "year"))
assert found["ids"] == [["cat", "fox"]] and found["documents"][0][0] == "a red cat"
assert found["scores"][0][0] <= found["scores"][0][1]

# Changes of the collection.
notes.modify(name="letters", metadata={"topic": "all"})
assert client.get_collection("letters", embedding_function=Letters()).metadata == {"topic": "all"}
notes.modify(configuration={"hnsw": {"ef_search": 77}})
assert client.get_collection("letters", embedding_function=Letters()).configuration["hnsw"]["ef_search"] == 77
copy = notes.fork("copy")
assert copy.count() == 4
copy.delete(ids=["owl", "ghost"])
copy.delete(where={"year": {"$gte": 2023}})
assert copy.get()["ids"] == ["fox"] and notes.count() == 4

# Many at once, as base64.
big = client.create_collection("big", embedding_function=None)
big.add(ids=[str(n) for n in range(5000)], embeddings=[[float(n), 1.0, 0.5] for n in range(5000)])
assert big.count() == 5000
assert big.query(query_embeddings=[[1234.2, 1.0, 0.5]], n_results=1)["ids"] == [["1234"]]
assert len(big.get(limit=10, offset=4995)["ids"]) == 5

for collection in client.list_collections():
    client.delete_collection(collection.name)
assert client.count_collections() == 0
refused(NotFoundError, lambda: client.delete_collection("letters"))
admin.delete_database("main", tenant="acme")
refused(ChromaError, lambda: client.reset())
print("done")
