// Refuses a contract without its entry points: it would pass validation and be deployed, and answer nothing.
import { readFileSync } from "node:fs";

const needed = ["instantiate", "execute", "query", "migrate"];
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("check-exports: expected the contracts' .wasm files");
  process.exit(1);
}
let complete = true;
for (const file of files) {
  const exported = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(file)));
  const missing = needed.filter((name) => !exported.some((e) => e.name === name && e.kind === "function"));
  if (missing.length > 0) {
    console.error(`check-exports: ${file} has no entry point ${missing.join(", ")}`);
    complete = false;
  }
}
process.exit(complete ? 0 : 1);
