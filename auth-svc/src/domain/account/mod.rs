//! Accounts: how they come about, what their owners and admins change, and who holds a unique name.

mod administer;
mod close;
mod decide;
mod email;
mod evolve;
mod password;
#[cfg(test)]
mod properties;
mod register;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use administer::{Administering, administer, promote};
pub(crate) use close::{Closing, close};
pub(crate) use decide::{Changing, NameChange, change_profile};
pub(crate) use email::{change_email, unsubscribe, verify_email};
pub(crate) use evolve::{account_after, holding_after};
pub(crate) use password::password_set;
pub(crate) use register::{Entrance, NewAccount, Registering, Registrar, register};
pub(crate) use rejection::AccountRejection;
pub(crate) use state::{Administrator, Holding, LoadedUser, Name};
