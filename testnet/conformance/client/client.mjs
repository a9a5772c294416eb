// Uses the energy token as any cw20 token, with CosmJS: reads, transfers, allows, and finds its own transfer in the chain's history.
//   node client.mjs RPC TOKEN SPENDER AMOUNT     (the owner's secret key, 64 hexadecimal digits, on standard input)
// The result is one line of JSON.
import { readFileSync } from "node:fs";
import { SigningCosmWasmClient } from "@cosmjs/cosmwasm-stargate";
import { DirectSecp256k1Wallet } from "@cosmjs/proto-signing";
import { GasPrice } from "@cosmjs/stargate";

const [rpc, token, spender, amount] = process.argv.slice(2);
const key = Uint8Array.from(Buffer.from(readFileSync(0, "utf8").trim(), "hex"));
const wallet = await DirectSecp256k1Wallet.fromKey(key, token.slice(0, token.lastIndexOf("1")));
const [{ address }] = await wallet.getAccounts();
const client = await SigningCosmWasmClient.connectWithSigner(rpc, wallet, { gasPrice: GasPrice.fromString("0.0025uwatt") });
const ask = (question) => client.queryContractSmart(token, question);
const balance = async (of) => (await ask({ balance: { address: of } })).balance;

const before = await balance(address);
const sent = await client.execute(address, token, { transfer: { recipient: spender, amount } }, "auto");
const allowed = await client.execute(address, token, { increase_allowance: { spender, amount } }, "auto");
const calls = (tx) => tx.events.some((e) => e.type === "execute" && e.attributes.some((a) => a.key === "_contract_address" && a.value === token));
const history = (await client.searchTx([{ key: "message.sender", value: address }])).filter((tx) => tx.code === 0 && calls(tx));
console.log(JSON.stringify({
    address,
    info: await ask({ token_info: {} }),
    before,
    after: await balance(address),
    theirs: await balance(spender),
    allowance: (await ask({ allowance: { owner: address, spender } })).allowance,
    allowances: (await ask({ all_allowances: { owner: address } })).allowances.map((a) => a.spender),
    accounts: (await ask({ all_accounts: {} })).accounts,
    history: history.map((tx) => tx.hash),
    sent: sent.transactionHash,
    allowed: allowed.transactionHash,
}));
client.disconnect();
