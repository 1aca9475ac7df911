//! Which views an answer is made of: a read waits for those and no others, so that one that stands keeps nobody
//! from the rest.

use readmodel::Group;

/// The groups of the read model that a route reads. Who wrote or is in something is named out of a memory that
/// falls back on the log, so conversations do not wait for people.
pub(super) fn groups_of(path: &str) -> &'static [Group] {
    let under = |place: &str| {
        path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if under("/v1/notifications") {
        &[Group::Inbox]
    } else if under("/v1/users") || under("/v1/admin/users") {
        &[Group::People]
    } else if under("/v1/rooms") || under("/v1/messages") {
        &[Group::Conversations]
    } else if under("/v1/sessions") || under("/v1/admin/dead-letters") {
        // Other services answer these out of their own stores.
        &[]
    } else {
        &[Group::Conversations, Group::People]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_waits_for_what_it_reads() {
        for (path, groups) in [
            ("/v1/notifications", &[Group::Inbox][..]),
            ("/v1/users/me", &[Group::People]),
            ("/v1/admin/users", &[Group::People]),
            ("/v1/rooms/room_1/messages", &[Group::Conversations]),
            ("/v1/messages/msg_1", &[Group::Conversations]),
            ("/v1/sessions", &[]),
            ("/v1/usersandmore", &[Group::Conversations, Group::People]),
        ] {
            assert_eq!(groups_of(path), groups, "{path}");
        }
    }
}
