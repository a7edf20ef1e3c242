// Checks resources of cert-manager, Prometheus's operator and External Secrets against packages that were generated from those
// operators' own types. Usage: node models.mjs MODELS.json NODE_MODULES
//
// Twice, as neither sees everything: the TypeScript compiler finds fields that don't exist, the packages' own validators find
// values that can't be.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const PACKAGES = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
  "external-secrets.io": "@kubernetes-models/external-secrets",
};

const [file, modules] = process.argv.slice(2);
const documents = JSON.parse(readFileSync(file, "utf8"));
const named = (one) => `${one.kind}/${one.metadata.name}`;
const folder = ({ apiVersion }) => `${PACKAGES[apiVersion.split("/")[0]]}/${apiVersion}`;

// Beside node_modules, where the compiler looks for packages.
const source = join(modules, "..", "models.ts");
const lines = documents.flatMap((one, index) => [
  `import type { I${one.kind} as T${index} } from "${folder(one)}/${one.kind}";`,
  `export const d${index}: T${index} = ${JSON.stringify(one)};`,
]);
writeFileSync(source, `${lines.join("\n")}\n`);

let problems = 0;
const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext"];
try {
  execFileSync(process.execPath, [join(modules, "typescript", "bin", "tsc"), ...options, source], { encoding: "utf8" });
} catch (error) {
  const found = `${error.stdout ?? error}`.trim().split("\n");
  for (const line of found) {
    // The second line of each pair is the document's.
    const at = /models\.ts\((\d+),/.exec(line);
    const which = at ? named(documents[Math.floor((Number(at[1]) - 1) / 2)]) : "";
    console.error(`k8s models: ${which} ${line.replace(/^.*?error /, "")}`);
  }
  problems += found.length;
}

for (const one of documents) {
  const path = join(modules, `${folder(one)}/${one.kind}.js`);
  const model = (await import(pathToFileURL(path)))[one.kind];
  const { apiVersion, kind, ...data } = one;
  try {
    new model(data).validate();
  } catch (error) {
    console.error(`k8s models: ${named(one)} ${error.message}`);
    problems += 1;
  }
}
console.log(`k8s models: ${documents.length} documents, ${problems} problems`);
process.exit(problems ? 1 : 0);
