// Each way in which Chroma's JavaScript client sends a token; arguments: host:port, a reader's token, a writer's of acme/main.
import assert from "node:assert";
import { ChromaClient } from "chromadb";

const [address, reader, writer] = process.argv.slice(2);
const [host, port] = address.split(":");
const connect = (more) => new ChromaClient({ host, port: Number(port), ...more });

for (const headers of [{ "x-chroma-token": reader }, { "X-Chroma-Token": reader }, { Authorization: `Bearer ${reader}` }]) {
  const client = connect({ headers });
  const names = (await client.listCollections()).map((collection) => collection.name);
  assert.deepEqual(names, ["notes"]);
  const notes = await client.getCollection({ name: "notes", embeddingFunction: null });
  assert.equal(await notes.count(), 1);
  await assert.rejects(notes.add({ ids: ["b"], embeddings: [[1, 0]] }), { name: "ChromaForbiddenError" });
}
for (const headers of [{}, { "x-chroma-token": "hdb_wrong" }]) {
  await assert.rejects(connect({ headers }).listCollections(), { name: "ChromaAuthError" });
}
const own = connect({ headers: { "x-chroma-token": writer }, tenant: "acme", database: "main" });
const letters = await own.getOrCreateCollection({ name: "letters", embeddingFunction: null });
await letters.upsert({ ids: ["b"], embeddings: [[0, 1]] });
assert.ok((await letters.count()) >= 1);
console.log("done");
