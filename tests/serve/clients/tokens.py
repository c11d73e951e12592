"""Each way in which Chroma's Python client sends a token; sys.argv: host:port, a reader's token, a writer's of acme/main."""

import sys

import chromadb
from chromadb.config import Settings
from chromadb.errors import AuthorizationError, ChromaAuthError, ChromaError, RateLimitError

address, reader, writer = sys.argv[1:4]
host, port = address.rsplit(":", 1)
TOKEN = "chromadb.auth.token_authn.TokenAuthClientProvider"
BASIC = "chromadb.auth.basic_authn.BasicAuthClientProvider"


def connect(**more):
    return chromadb.HttpClient(host=host, port=int(port), **more)


def settings(provider, credentials, header=None):
    said = {"chroma_client_auth_provider": provider, "chroma_client_auth_credentials": credentials}
    if header:
        said["chroma_auth_token_transport_header"] = header
    return Settings(**said)


ways = [
    {"headers": {"X-Chroma-Token": reader}},
    {"headers": {"Authorization": f"Bearer {reader}"}},
    {"settings": settings(TOKEN, reader)},
    {"settings": settings(TOKEN, reader, "X-Chroma-Token")},
    {"settings": settings(TOKEN, reader, "Authorization")},
    {"settings": settings(BASIC, f"ann:{reader}")},
]
for way in ways:
    client = connect(**way)
    assert [collection.name for collection in client.list_collections()] == ["notes"], way
    notes = client.get_collection("notes", embedding_function=None)
    assert notes.count() == 1
    try:
        notes.add(ids=["b"], embeddings=[[1, 0]])
        raise AssertionError("a reader wrote")
    except ChromaAuthError:
        pass

for way in [{}, {"headers": {"X-Chroma-Token": "hdb_wrong"}}, {"settings": settings(TOKEN, "wrong")}]:
    try:
        connect(**way)
        raise AssertionError(f"{way} came in")
    except (AuthorizationError, ValueError) as said:
        assert "token" in str(said), said

# A token of one tenant and one database: the client takes both from the identity where it is told to.
own = connect(
    headers={"X-Chroma-Token": writer},
    tenant="acme",
    database="main",
)
letters = own.get_or_create_collection("letters", embedding_function=None)
letters.upsert(ids=["a"], embeddings=[[1, 0]])
assert letters.count() == 1
try:
    connect(headers={"X-Chroma-Token": writer})
    raise AssertionError("it saw the default tenant")
except ChromaError:
    pass
except ValueError:
    pass
print("done")
