//! Nothing but tests: agents as processes on a local chain of real nodes.
