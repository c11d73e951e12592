// Every method of Chroma's JavaScript client, against the server at process.argv[2] (host:port).
import assert from "node:assert/strict";
import { AdminClient, ChromaClient } from "chromadb";

const [host, port] = process.argv[2].split(":");
const at = { host, port: Number(port), ssl: false };

// Counts letters; what a client embeds with is its own business.
const letters = {
  name: "letters",
  async generate(texts) {
    return texts.map((text) => [..."aeiou"].map((letter) => text.split(letter).length - 1));
  },
  getConfig() {
    return {};
  },
};

const client = new ChromaClient(at);
assert.ok((await client.heartbeat()) > 10 ** 18);
assert.ok(await client.version());
assert.deepEqual(await client.listCollections(), []);

const admin = new AdminClient(at);
await admin.createTenant({ name: "acme" });
assert.equal((await admin.getTenant({ name: "acme" })).name ?? "acme", "acme");
await admin.createDatabase({ name: "main", tenant: "acme" });
assert.equal((await admin.getDatabase({ name: "main", tenant: "acme" })).name, "main");
assert.equal((await admin.listDatabases({ tenant: "acme" })).length, 1);
const other = new ChromaClient({ ...at, tenant: "acme", database: "main" });
await other.createCollection({ name: "notes", embeddingFunction: letters });

const notes = await client.createCollection({
  name: "notes", metadata: { topic: "animals" }, embeddingFunction: letters, configuration: { hnsw: { space: "cosine" } },
});
await assert.rejects(client.createCollection({ name: "notes", embeddingFunction: letters }));
await assert.rejects(client.getCollection({ name: "nothing" }), { name: "ChromaNotFoundError" });
await assert.rejects(client.createCollection({ name: "a", embeddingFunction: letters }));
assert.equal((await client.getOrCreateCollection({ name: "notes", embeddingFunction: letters })).id, notes.id);
assert.equal((await client.getCollection({ name: "notes", embeddingFunction: letters })).id, notes.id);
assert.equal(await client.countCollections(), 1);

await notes.add({
  ids: ["fox", "dog", "cat"], documents: ["a red fox", "a lazy dog", "a red cat"],
  metadatas: [{ year: 2021, tags: ["wild"] }, { year: 2022 }, { year: 2023, house: true }],
  uris: ["file:///fox", "file:///dog", "file:///cat"],
});
assert.equal(await notes.count(), 3);
assert.deepEqual((await notes.peek({ limit: 2 })).ids, ["fox", "dog"]);
const got = await notes.get({ ids: ["cat", "fox"], include: ["embeddings", "documents", "metadatas", "uris"] });
assert.deepEqual(got.ids, ["fox", "cat"]);
assert.deepEqual(got.embeddings, [[1, 1, 0, 1, 0], [2, 1, 0, 0, 0]]);
assert.deepEqual(got.metadatas[1], { year: 2023, house: true });
assert.deepEqual((await notes.get({ where: { year: { $gte: 2022 } }, limit: 1, offset: 1 })).ids, ["cat"]);
assert.deepEqual((await notes.get({ whereDocument: { $contains: "red" } })).ids, ["fox", "cat"]);
await notes.update({ ids: ["dog"], metadatas: [{ old: true }] });
await notes.upsert({ ids: ["dog", "owl"], documents: ["a quick dog", "an owl"] });
assert.deepEqual((await notes.get({ ids: ["dog"] })).metadatas, [{ year: 2022, old: true }]);

const answer = await notes.query({ queryTexts: ["a red fox", "an owl"], nResults: 2 });
assert.equal(answer.ids[0][0], "fox");
assert.equal(answer.ids[1][0], "owl");
const byVector = await notes.query({ queryEmbeddings: [[2, 1, 0, 0, 0]], nResults: 10, where: { year: { $lt: 2024 } } });
assert.deepEqual(byVector.ids, [["cat", "fox", "dog"]]);
await assert.rejects(notes.query({ queryEmbeddings: [[1, 2]] }));
await assert.rejects(notes.add({ ids: ["bad"], embeddings: [[1, 2, 3]] }));

await notes.modify({ name: "letters", metadata: { topic: "all" } });
const renamed = await client.getCollection({ name: "letters", embeddingFunction: letters });
assert.deepEqual(renamed.metadata, { topic: "all" });
const copy = await notes.fork({ name: "copy" });
assert.equal(await copy.count(), 4);
await copy.delete({ ids: ["owl"] });
await copy.delete({ where: { year: { $gte: 2022 } } });
assert.deepEqual((await copy.get()).ids, ["fox"]);

for (const collection of await client.listCollections()) {
  await client.deleteCollection({ name: collection.name });
}
assert.equal(await client.countCollections(), 0);
await admin.deleteDatabase({ name: "main", tenant: "acme" });
await assert.rejects(client.reset());
console.log("done");
