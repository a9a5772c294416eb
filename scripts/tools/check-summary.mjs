// Refuses a simulated run whose figures are not those of a market that works: expects its summary.json.
import { readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("check-summary: expected the summary.json of a run");
  process.exit(1);
}
const summary = JSON.parse(readFileSync(file, "utf8"));

const rules = [
  ["finished", "true", (v) => v === true],
  ["meters", "at least 2", (v) => Number.isInteger(v) && v >= 2],
  ["windows", "at least 1", (v) => Number.isInteger(v) && v >= 1],
  ["trades", "at least 1", (v) => Number.isInteger(v) && v >= 1],
  ["traded_wh", "above 0", (v) => Number.isInteger(v) && v > 0],
  ["ceiling_share", "0.99 to 1", (v) => typeof v === "number" && v >= 0.99 && v <= 1],
  ["invariant_checks", "at least 1", (v) => Number.isInteger(v) && v >= 1],
  ["invariant_violations", "0", (v) => v === 0],
];
const broken = rules.filter(([field, , holds]) => !holds(summary[field]));
for (const [field, expected] of broken) {
  console.error(`check-summary: ${file}: ${field}: expected ${expected}, found ${JSON.stringify(summary[field])}`);
}
if (broken.length > 0) process.exit(1);
console.log(
  `${summary.meters} meters, ${summary.windows} windows, ${summary.trades} trades: ` +
    `${(summary.ceiling_share * 100).toFixed(2)} % of the ceiling, no invariant violated`,
);
