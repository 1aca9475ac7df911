//! Rooms, members and messages.
