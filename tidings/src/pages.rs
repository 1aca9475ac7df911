//! What memory is made of: small pages, as the kernel gives them without being asked.
//!
//! The allocator asks for huge pages of 2 MiB, and one stays whole for as long as a piece of it is used. A server with
//! 150 users and 2,850 idle sockets took 136 MB with them and 87 MB without.

/// From now on this process, and those it starts, take no huge pages. Where that cannot be said more memory is taken,
/// and nothing else changes.
pub(crate) fn take_small_ones() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn no_huge_pages_are_taken_from_then_on() {
        take_small_ones();
        assert_eq!(nix::sys::prctl::get_thp_disable(), Ok(true));
    }
}
