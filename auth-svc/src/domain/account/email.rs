//! Verifying the address of an account, and changing it.

use decider::{Expect, Fact};
use schemas::Lane;
use schemas::events::{UserEmailChanged, UserEmailVerified, UserProfileChanged, UserState};
use schemas::preferences::MailAbout;
use schemas::values::Email;

use super::{AccountRejection, LoadedUser, NameChange};

/// The account with its address verified, and the fact; none when it is already, and an error when the code went to
/// another address than it has by now.
pub(crate) fn verify_email(
    user: &LoadedUser,
    email: &Email,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    if user.state.email != *email {
        return Err(AccountRejection::AddressChanged);
    }
    let mut after = user.state.clone();
    if after.email_verified {
        return Ok((after, Vec::new()));
    }
    after.email_verified = true;
    let verified = UserEmailVerified { user: after.clone() };
    let fact = Fact::expecting(Expect::At(user.at), Lane::User(after.id), verified);
    Ok((after, vec![fact]))
}

/// What ends an account's digests; nothing when it gets none. The bearer of the link may, also while the account is
/// suspended: mails have to stop when they are told to.
pub(crate) fn unsubscribe(user: &LoadedUser) -> Vec<Fact> {
    if user.state.preferences.email == MailAbout::None {
        return Vec::new();
    }
    let mut after = user.state.clone();
    after.preferences.email = MailAbout::None;
    let lane = Lane::User(after.id);
    vec![Fact::expecting(Expect::At(user.at), lane, UserProfileChanged { user: after })]
}

/// The account with another address, which is verified, and the facts; none when it has it already.
pub(crate) fn change_email(
    user: &LoadedUser,
    names: &NameChange,
    email: &Email,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let mut after = user.state.clone();
    if after.suspended {
        return Err(AccountRejection::Suspended);
    }
    if after.email == *email {
        return verify_email(user, email);
    }
    let mut facts = names.facts(&after.id, AccountRejection::EmailTaken)?;
    let former = std::mem::replace(&mut after.email, email.clone());
    after.email_verified = true;
    let changed = UserEmailChanged { user: after.clone(), former };
    facts.push(Fact::expecting(Expect::At(user.at), Lane::User(after.id), changed));
    Ok((after, facts))
}
