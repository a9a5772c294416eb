//! Discovery and negotiation over libp2p: Kademlia, identify, mDNS, request and answer.
