// Holds the objects of Prometheus' operator and of cert-manager, of which Kubernetes itself has no schema, against the schemas of their
// resource definitions: node custom.mjs MODULES FILE... of JSON.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const packages = { "monitoring.coreos.com": "prometheus-operator", "cert-manager.io": "cert-manager" };
let [checked, wrong] = [0, 0];
for (const manifest of files) {
  for (const one of JSON.parse(readFileSync(manifest, "utf8"))) {
    const [group, version] = one.apiVersion.split("/");
    if (!packages[group]) continue;
    const file = resolve(modules, "node_modules/@kubernetes-models", packages[group], group, version, `${one.kind}.js`);
    const kinds = await import(pathToFileURL(file));
    checked += 1;
    try {
      new kinds[one.kind](one).validate();
    } catch (error) {
      wrong += 1;
      console.error(`${manifest}: ${one.kind} ${one.metadata.name}: ${error.message}`);
    }
  }
}
console.log(`${checked} custom objects: ${wrong} wrong`);
process.exit(wrong > 0 || checked === 0 ? 1 : 0);
