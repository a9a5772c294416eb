//! Time of one choice by method, number of offers and number of sellers; and the searches' nodes.
fn main() {}
