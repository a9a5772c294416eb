//! A local wasmd testnet: keys, genesis, nodes, faults.
