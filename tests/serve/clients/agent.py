"""Sessions of the official client of the Model Context Protocol. sys.argv: huedb, a file with the collection `notes` (fox, dog, cat) and
`secret`, a folder of texts, the address of a server over the file, tokens of a reader and a writer of `notes` alone, and of
a writer to whom there are only the records from 2022 on."""

import asyncio
import json
import os
import sys

import httpx2
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

huedb, file, texts, address, reader, writer, part = sys.argv[1:]
READS = ["list_collections", "describe_collection", "search", "get"]
WRITES = ["add", "update", "delete"]
# The handshake that every client has, and what the newest clients do without one.
MODES = ["legacy", "auto"]


def stdio(*args):
    env = {name: value for name, value in os.environ.items() if name.startswith("HUEDB_")}
    return StdioServerParameters(command=huedb, args=["--db", file, "mcp", *args], env=env)


def http(token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = httpx2.AsyncClient(headers=headers, timeout=60)
    return streamable_http_client(f"http://{address}/mcp", http_client=client)


async def said(client, tool, **arguments):
    """What a tool answers, and whether it failed."""
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text
    if result.is_error:
        return text, True
    assert json.loads(text) == result.structured_content
    return result.structured_content, False


async def does(client, tool, **arguments):
    answer, failed = await said(client, tool, **arguments)
    assert not failed, answer
    return answer


async def fails(client, tool, **arguments):
    answer, failed = await said(client, tool, **arguments)
    assert failed, answer
    return answer


async def refused(call):
    try:
        await call
    except MCPError as error:
        return str(error)
    raise AssertionError("it was answered")


async def reading(client, tools):
    """What everybody may do who may read `notes` and nothing else."""
    assert client.server_info.name == "huedb" and "describe_collection" in client.instructions
    listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == tools
    assert all(tool.annotations.read_only_hint == (tool.name in READS) for tool in listed)
    collections = (await does(client, "list_collections"))["collections"]
    assert [(one["name"], one["records"], one["model"]) for one in collections] == [("notes", 3, "hash-64")]
    described = await does(client, "describe_collection", collection="notes")
    assert [key["key"] for key in described["keys"]] == ["year"]
    found = await does(client, "search", collection="notes", query="a lazy dog", filter="year >= 2022", limit=1)
    assert [hit["id"] for hit in found["hits"]] == ["dog"] and "distance" in found["hits"][0]
    both = await does(client, "search", collection="notes", query="lazy", hybrid=True)
    assert both["hits"][0]["id"] == "dog" and 0 < both["hits"][0]["score"] <= 1
    page = await does(client, "get", collection="notes", limit=2, offset=1)
    assert ([record["id"] for record in page["records"]], page["total"]) == (["dog", "cat"], 3)
    for name in ["secret", "none"]:
        why = await fails(client, "search", collection=name, query="dog")
        assert why.startswith(f'no collection named "{name}"') and why.count("secret") == (name == "secret"), why
        assert f'no collection named "{name}"' in await refused(client.read_resource(f"huedb://{name}/a"))
    assert "filter" in await fails(client, "get", collection="notes", filter="year >")
    assert "no tool is named" in await refused(client.call_tool("drop", {}))
    resources = (await client.list_resources()).resources
    assert [str(resource.uri) for resource in resources] == ["huedb://notes"]
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["huedb://{collection}/{id}"]
    record = (await client.read_resource("huedb://notes/dog")).contents[0]
    assert json.loads(record.text) == {"id": "dog", "document": "a lazy dog", "metadata": {"year": 2022}}


async def writing(client):
    """Adds, changes and deletes one record, and leaves all as it was."""
    record = {"id": "owl", "document": "a wise owl", "metadata": {"year": 2024}}
    assert await does(client, "add", collection="notes", records=[record]) == {"added": 1}
    again = await does(client, "add", collection="notes", records=[record])
    assert again["added"] == 0 and "owl" in again["notes"][0]
    changed = await does(client, "update", collection="notes", records=[{"id": "owl", "metadata": {"year": 2025}}])
    assert changed["updated"] == 1
    found = await does(client, "search", collection="notes", query="a wise owl", filter="year = 2025")
    assert [hit["id"] for hit in found["hits"]] == ["owl"]
    assert await does(client, "delete", collection="notes", ids=["owl"]) == {"deleted": 1}
    assert "no collection named" in await fails(client, "delete", collection="secret", ids=["a"])


async def filtered(client):
    """What a token's filter hides is nowhere, and what could reach it is refused."""
    assert (await does(client, "list_collections"))["collections"][0]["records"] == 2
    described = await does(client, "describe_collection", collection="notes")
    assert [(key["min"], key["distinct"]) for key in described["keys"]] == [(2022, 2)]
    found = await does(client, "search", collection="notes", query="a red fox")
    assert sorted(hit["id"] for hit in found["hits"]) == ["cat", "dog"]
    got = await does(client, "get", collection="notes", ids=["fox", "dog"])
    assert ([record["id"] for record in got["records"]], got["notes"]) == (["dog"], ["1 of 2 ids do not exist"])
    assert await fails(client, "add", collection="notes", records=[{"id": "x", "document": "y"}]) == (
        "this token may not do that, or only with a part of the collection's records"
    )
    assert await does(client, "delete", collection="notes", ids=["fox"]) == {"deleted": 0}
    assert "has no record" in await refused(client.read_resource("huedb://notes/fox"))


async def stranger(mode):
    try:
        async with Client(http(None), mode=mode):
            pass
    except (BaseExceptionGroup, MCPError) as refusal:
        # The client does not say which: the status is tested beside this.
        assert "Server returned an error response" in repr(refusal), repr(refusal)
        return
    raise AssertionError("it was let in")


async def main():
    for mode in MODES:
        async with Client(stdio("--collection", "notes"), mode=mode) as client:
            await reading(client, READS)
            assert "no tool is named" in await refused(client.call_tool("add", {"collection": "notes", "records": []}))
        async with Client(stdio("--collection", "notes", "--write"), mode=mode) as client:
            await reading(client, READS + WRITES + ["sync"])
            await writing(client)
        async with Client(http(reader), mode=mode) as client:
            await reading(client, READS)
        async with Client(http(writer), mode=mode) as client:
            await reading(client, READS + WRITES)
            await writing(client)
        async with Client(http(part), mode=mode) as client:
            await filtered(client)
        await stranger(mode)
    async with Client(stdio("--write")) as client:
        # Several at once.
        asked = [does(client, "search", collection="notes", query=word) for word in ["fox", "dog", "cat"] * 5]
        answers = await asyncio.gather(*asked)
        assert all(len(answer["hits"]) == 3 for answer in answers)
        synced = await does(client, "sync", collection="notes", folder=texts, globs=["*.md"])
        assert "added 1" in synced["said"], synced
        assert (await does(client, "get", collection="notes", filter='#document contains "sync"'))["total"] == 1
        why = await fails(client, "sync", collection="notes", folder="/nowhere/at/all")
        assert "/nowhere/at/all" in why, why


asyncio.run(main())
print("done")
