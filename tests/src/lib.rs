//! Black-box tests: kit, flows, faults.
