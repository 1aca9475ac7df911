//! The read store: MongoDB and SQLite behind one contract.
