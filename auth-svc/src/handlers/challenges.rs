//! What is the same for every code: sending one, and entering one.

use decider::{Call, Expect, Fact, Failure, fresh_id};
use schemas::events::{ChallengeIssued, ChallengePurpose};
use schemas::values::Email;
use schemas::{
    Actor, ChallengeId, Code, Lane, OneTimeCode, Position, Rejection, Timestamp, UserId,
};
use subtle::ConstantTimeEq as _;

use crate::auth::Auth;
use crate::challenges::{Owned, Owner};
use crate::domain::account::{AccountRejection, LoadedUser};
use crate::domain::challenge::{
    Ask, Entered, LIFETIME_SECONDS, TooMany, accept, enter, issue, release, settle,
};

/// A code to be sent.
pub(crate) struct Sending<'a> {
    pub(crate) id: ChallengeId,
    pub(crate) purpose: ChallengePurpose,
    pub(crate) email: &'a Email,
    /// Whether the address belongs to another account.
    pub(crate) taken: bool,
    pub(crate) now: Timestamp,
    /// Stands where the address must not: its holder may be erased, and nothing of theirs is looked for among what is
    /// another's.
    pub(crate) hidden: Email,
}

impl<'a> Sending<'a> {
    /// A new one, now.
    pub(crate) fn new(purpose: ChallengePurpose, email: &'a Email) -> Self {
        let id = ChallengeId::from_uuid(fresh_id());
        let (now, hidden) = (Timestamp::now(), Email::deleted());
        Self { id, purpose, email, taken: false, now, hidden }
    }

    /// How it is noted for its owner. Where the code goes is noted apart.
    pub(crate) fn ask(&self) -> Ask<'_> {
        let Self { id, purpose, taken, now, hidden, .. } = self;
        Ask { id, purpose: *purpose, email: hidden, taken: *taken, now: *now }
    }

    /// The address as it may stand among what is the account's that asks.
    fn account_address(&self) -> &Email {
        if self.taken { &self.hidden } else { self.email }
    }

    pub(crate) const fn expires_at(&self) -> Timestamp {
        self.now.plus_seconds(LIFETIME_SECONDS)
    }
}

/// The code is the right one, and what it does is this caller's to do.
pub(crate) struct AcceptedCode {
    pub(crate) id: ChallengeId,
    pub(crate) owner: Owner,
    /// Where it went.
    pub(crate) email: Email,
}

pub(crate) fn gone() -> Rejection {
    Rejection::new(Code::Gone, "the code was used or replaced, or its time has passed")
}

fn wrong_code() -> Rejection {
    Rejection::field(Code::InvalidCode, "/code", "invalid_code", "the code is wrong")
}

pub(crate) fn too_many(refused: TooMany) -> Rejection {
    let detail = "too many codes were asked for";
    Rejection::new(Code::RateLimited, detail).retry_after(refused.retry_after)
}

impl Auth {
    /// Counts a code that is asked for, and says whose it is.
    pub(crate) async fn count(
        &self,
        owner: &Owner,
        sending: &Sending<'_>,
    ) -> Result<Result<(), TooMany>, Failure> {
        let (ask, limit) = (sending.ask(), self.challenges.limit);
        let counted = self.challenges.change(owner, |codes| issue(codes, &ask, limit)).await?;
        let owned = Owned { owner: owner.clone(), purpose: sending.purpose };
        self.challenges.note(&sending.id, &owned).await?;
        if let Owner::Account(user) = owner {
            let address = sending.account_address();
            self.challenges.note_address(user, &sending.id, address).await?;
        }
        Ok(counted)
    }

    /// Has the mail sent: says in the log that there is a code, for as long as the account is what it was.
    pub(crate) async fn send_code(
        &self,
        call: &Call,
        user: &LoadedUser,
        sending: &Sending<'_>,
    ) -> Result<Position, Failure> {
        self.tell(call, vec![self.issued(user, sending, sending.account_address())]).await
    }

    /// Has the holder of an address told that another account asks for it. The address stands in what is the holder's
    /// alone, and goes with them. What is the asker's looks as if a code had been sent.
    pub(crate) async fn tell_holder(
        &self,
        call: &Call,
        user: &LoadedUser,
        holder: &LoadedUser,
        sending: &Sending<'_>,
    ) -> Result<Position, Failure> {
        let asked = self.issued(user, sending, sending.account_address());
        self.tell(call, vec![asked, self.issued(holder, sending, &holder.state.email)]).await
    }

    fn issued(&self, user: &LoadedUser, sending: &Sending<'_>, email: &Email) -> Fact {
        let user_id = user.state.id;
        let fence = Expect::Fence { lane: Lane::User(user_id), at: user.at };
        let issued = ChallengeIssued {
            challenge_id: sending.id,
            user_id,
            purpose: sending.purpose,
            email: email.clone(),
            taken: sending.taken,
            expires_at: sending.expires_at(),
            key: self.code_key.check(),
        };
        Fact::expecting(fence, Lane::Challenges(user_id), issued)
    }

    async fn tell(&self, call: &Call, facts: Vec<Fact>) -> Result<Position, Failure> {
        // A reset is asked for without a session.
        let call = match &call.caller {
            Some(caller) => call.acting_as_user(&caller.user_id),
            None => call.acting_as(Actor::System),
        };
        let writes = facts.into_iter().map(|fact| fact.into_write(&call)).collect();
        Ok(self.log.append(writes).await?.position)
    }

    /// Whose a challenge is, if it is one of these kinds.
    pub(crate) async fn challenge_of(
        &self,
        id: &ChallengeId,
        kinds: &[ChallengePurpose],
    ) -> Result<Owned, Failure> {
        let owned = self.challenges.owned(id).await?;
        let owned = owned.filter(|owned| kinds.contains(&owned.purpose));
        owned.ok_or_else(|| Rejection::not_found().into())
    }

    /// Compares a code with that of its challenge and counts a wrong one. A right one is not used up: see
    /// [`Auth::accept_code`]. Answers with the address it was sent to.
    ///
    /// # Errors
    /// `invalid_code`, `gone`; `already_exists` when the address belongs to another account.
    pub(crate) async fn enter_code(
        &self,
        owner: &Owner,
        id: &ChallengeId,
        code: &OneTimeCode,
    ) -> Result<Email, Failure> {
        let derived = self.code_key.code(id);
        let same = bool::from(derived.expose().as_bytes().ct_eq(code.expose().as_bytes()));
        let right = same && matches!(owner, Owner::Account(_));
        let now = Timestamp::now();
        match self.challenges.change(owner, |codes| enter(codes, id, right, now)).await? {
            Entered::Right(noted) => self.sent_to(owner, id, noted).await,
            Entered::Wrong => Err(wrong_code().into()),
            Entered::Taken => Err(AccountRejection::EmailTaken.into()),
            Entered::Gone => Err(gone().into()),
        }
    }

    /// Where a right code went. A build before this one noted it among the account's codes.
    async fn sent_to(
        &self,
        owner: &Owner,
        id: &ChallengeId,
        noted: Email,
    ) -> Result<Email, Failure> {
        if noted != Email::deleted() {
            return Ok(noted);
        }
        let address = self.challenges.address(account(owner)?, id).await?;
        address.ok_or_else(|| gone().into())
    }

    /// Uses a right code up: of any number of callers at once one gets it.
    ///
    /// # Errors
    /// `gone`.
    pub(crate) async fn accept_code(
        &self,
        owner: Owner,
        id: &ChallengeId,
        email: Email,
    ) -> Result<AcceptedCode, Failure> {
        let now = Timestamp::now();
        match self.challenges.change(&owner, |codes| accept(codes, id, now)).await? {
            true => Ok(AcceptedCode { id: *id, owner, email }),
            false => Err(gone().into()),
        }
    }

    /// Notes what has become of what an accepted code does. Where it could not be done for now, the code may be entered
    /// again at once; else a while after this, should the note fail.
    pub(crate) async fn conclude<T>(
        &self,
        code: &AcceptedCode,
        done: Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let again = matches!(&done, Err(rejection) if rejection.code.retryable());
        let noted = self.challenges.change(&code.owner, |codes| match again {
            true => release(codes, &code.id),
            false => settle(codes, &code.id),
        });
        if noted.await.is_err() {
            tracing::warn!(challenge.id = %code.id, "what became of a code was not noted");
        }
        done
    }
}

/// The account whose code it is.
pub(crate) fn account(owner: &Owner) -> Result<&UserId, Rejection> {
    match owner {
        Owner::Account(id) => Ok(id),
        Owner::Address(_) => Err(Rejection::not_found()),
    }
}
