//! Events to views to the read model; rebuild; verify.
