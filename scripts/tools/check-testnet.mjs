// Refuses a local network that is not as it should be after `testnet/up --validators 4 --agents 2`: expects the output of
// `testnet/status --json` on its input.
import { readFileSync } from "node:fs";

const status = JSON.parse(readFileSync(0, "utf8"));
const contract = (name) => status.contracts?.[name];
const rules = [
  ["running", "true", status.running, (v) => v === true],
  ["rpc", "an address of this machine", status.rpc, (v) => /^http:\/\/127\.0\.0\.1:\d+$/.test(v)],
  ["nodes with blocks", "4", status.nodes.filter((node) => node.height > 0).length, (v) => v === 4],
  ["agents that answer", "2", status.agents.filter((agent) => agent.health !== null).length, (v) => v === 2],
  ...["token", "pool", "escrow"].flatMap((name) => [
    [`contracts.${name}.address`, "watt1…", contract(name)?.address, (v) => /^watt1[0-9a-z]+$/.test(v)],
    [`contracts.${name}.pinned`, "true", contract(name)?.pinned, (v) => v === true],
  ]),
];
const broken = rules.filter(([, , found, holds]) => !holds(found));
for (const [field, expected, found] of broken) {
  console.error(`check-testnet: ${field}: expected ${expected}, found ${JSON.stringify(found)}`);
}
if (broken.length > 0) process.exit(1);
console.log(`${status.nodes.length} validators and ${status.agents.length} agents at height ${status.height}, contracts deployed and pinned`);
