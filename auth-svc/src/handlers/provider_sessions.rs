//! What becomes of a person whom a provider knows: a session, and before that an account of theirs, found, linked or
//! made.

use decider::{Answer, Call, Committed, Fact, Failure, Reads, accepted, commit, fresh_id, load};
use schemas::commands::RedeemLoginCode;
use schemas::events::UserState;
use schemas::values::{Role, Secret};
use schemas::views::SessionTokens;
use schemas::{Code, Digest, Lane, Position, Rejection, UserId};

use super::identities::Identities;
use super::login::seen;
use crate::accounts;
use crate::auth::Auth;
use crate::call;
use crate::domain::account::{
    Entrance, LoadedUser, Name, NewAccount, Registering, Registrar, register,
};
use crate::domain::guessing::device;
use crate::domain::identity::{
    Arrival, IdentityRejection, Linking, Via, Way, candidates, link, linked_with, way,
};
use crate::provider_logins::Arrived;
use crate::providers::Provider;

/// A code that is not good, whatever the reason.
fn wrong_code() -> Rejection {
    let detail = "the code is not good any more, or the verifier is not its own";
    Rejection::field(Code::InvalidCode, "/code", "invalid_code", detail)
}

fn changed() -> Rejection {
    Rejection::new(Code::Unavailable, "the account has changed meanwhile; try again")
}

impl Auth {
    /// The code stays good until everything that is asked for is there, and becomes good again when what it does could not
    /// be done for now.
    pub(crate) async fn redeem_login_code(
        &self,
        call: &Call,
        command: RedeemLoginCode,
    ) -> Answer<SessionTokens> {
        let RedeemLoginCode { code, code_verifier, second_factor, loopback } = command;
        let found = self.retry(|| self.provider_logins.of(&code)).await?;
        let found = found.filter(|(login, _)| login.code_challenge.is_of(code_verifier.expose()));
        let (login, revision) = found.ok_or_else(wrong_code)?;
        let provider = self.providers.get(&login.provider).map_err(|_| wrong_code())?;
        let way = self.retry(|| self.look_at(provider, &login, loopback)).await?;
        if let Some(user) = way.user() {
            self.second_step(&user.id, user.suspended, second_factor.as_ref()).await?;
        }
        if !self.retry(|| self.provider_logins.redeem(&code, revision)).await? {
            return Err(wrong_code());
        }
        let checked = way.user().map(|user| &user.id);
        let done = self.come_in(call, provider, &login, (loopback, checked)).await;
        if done.as_ref().is_err_and(|rejection| rejection.code.retryable()) {
            self.give_back(&code, &login).await;
        }
        let (tokens, position) = done?;
        Ok(accepted(Some(position), tokens))
    }

    async fn give_back(&self, code: &Secret, login: &Arrived) {
        if self.retry(|| self.provider_logins.arrive(code, login)).await.is_err() {
            tracing::warn!(oidc.provider = %login.provider, "a login code was used up for nothing");
        }
    }

    async fn come_in(
        &self,
        call: &Call,
        provider: &Provider,
        login: &Arrived,
        (loopback, checked): (bool, Option<&UserId>),
    ) -> Result<(SessionTokens, Position), Rejection> {
        let id = self.retry(|| self.settle(call, provider, login, (loopback, checked))).await?;
        let device = device(call.ip.as_deref(), call.user_agent.as_deref());
        let standing = self.retry(|| self.attempts.standing(id.as_str(), &device)).await?;
        let new_device = standing.is_new.then(|| seen(call, &device));
        let begun = loop {
            let revision = self.retry(|| self.credentials_of(&id)).await?.map(|(_, at)| at);
            // None: a password was set meanwhile, which ends the sessions before it.
            let begin = || self.begin(call, &id, None, revision, new_device.as_ref());
            if let Some(begun) = self.retry(begin).await? {
                break begun;
            }
        };
        self.attempts.succeeded(&id, &device, &standing).await;
        Ok(begun)
    }

    /// The key of a person's identity.
    pub(crate) fn identity_of(
        &self,
        provider: &Provider,
        person: &oidc::Person,
    ) -> Result<Digest, Rejection> {
        let lane = self.names.identity(provider.client.issuer(), &person.subject);
        let Lane::Identity(key) = lane else {
            return Err(Rejection::new(Code::Internal, "an identity has another lane"));
        };
        Ok(key)
    }

    /// How the person comes in, without writing anything: refuses what would be refused.
    pub(crate) async fn look_at(
        &self,
        provider: &Provider,
        login: &Arrived,
        loopback: bool,
    ) -> Result<Way, Failure> {
        let arrival = self.arrival(login).await?;
        let way = way(&arrival, provider.link_by_email, call::now().now)?;
        if way == Way::New {
            self.new_account(&arrival, login, loopback).await?;
        }
        Ok(way)
    }

    async fn arrival(&self, login: &Arrived) -> Result<Arrival, Failure> {
        // The address first: where it was taken by the account this very identity got meanwhile, the identity says so.
        let email = match &login.claims.email {
            Some(email) => Some(accounts::name(&self.log, self.names.email(email.as_str())).await?),
            None => None,
        };
        let identity = accounts::name(&self.log, Lane::Identity(login.identity)).await?;
        let holder = self.account_of(&identity).await?;
        let addressee = match &email {
            Some(email) => self.account_of(email).await?,
            None => None,
        };
        Ok(Arrival { identity, holder, email, addressee })
    }

    async fn account_of(&self, name: &Name) -> Result<Option<LoadedUser>, Failure> {
        let owner = name.owner.as_deref().and_then(|owner| UserId::parse(owner).ok());
        match owner {
            Some(owner) => accounts::user(&self.log, &owner).await,
            None => Ok(None),
        }
    }

    /// Whose account it is: finds, links or makes it. It must be the one whose second factor was asked for.
    async fn settle(
        &self,
        call: &Call,
        provider: &Provider,
        login: &Arrived,
        (loopback, checked): (bool, Option<&UserId>),
    ) -> Result<UserId, Failure> {
        let arrival = self.arrival(login).await?;
        let way = way(&arrival, provider.link_by_email, call::now().now)?;
        if way.user().map(|user| &user.id) != checked {
            return Err(changed().into());
        }
        let via = Via {
            provider: &provider.id,
            name: &provider.name,
            key: &login.identity,
            now: call::now().now,
        };
        let (id, facts) = match (way, &arrival.email) {
            (Way::Known(user), _) => return Ok(user.state.id),
            (Way::Linked(user), Some(email)) => {
                let identities = load::<Identities>(&self.log, &user.state.id).await?;
                let identity = &arrival.identity;
                let state = Linking { user: &user, email, identity, identities: &identities };
                let facts = link(&state, &via)?;
                (user.state.id, facts)
            }
            (Way::New | Way::Linked(_), _) => {
                let (user, mut facts) = self.new_account(&arrival, login, loopback).await?;
                facts.extend(linked_with(&arrival.identity, &user.id, &via));
                if user.role == Role::Admin {
                    self.admins.note(&user.id).await?;
                }
                (user.id, facts)
            }
        };
        let by_user = call.acting_as_user(&id);
        match commit(&self.log, &by_user, facts, &Reads::default()).await? {
            Committed::Nothing(_) | Committed::Now(..) => Ok(id),
            // The key of the request was used before, for another code.
            Committed::Before(_) => Err(Failure::Conflict),
        }
    }

    /// The account that is made for a new person, under the first of the names that suit them which is free.
    async fn new_account(
        &self,
        arrival: &Arrival,
        login: &Arrived,
        loopback: bool,
    ) -> Result<(UserState, Vec<Fact>), Failure> {
        let missing = || Failure::from(IdentityRejection::NotVerified);
        let email = arrival.email.clone().ok_or_else(missing)?;
        let address = login.claims.email.clone().ok_or_else(missing)?;
        let id = UserId::from_uuid(fresh_id());
        let now = call::now();
        let registry = accounts::name(&self.log, self.names.admins()).await?;
        for username in candidates(&login.claims, &login.identity) {
            let handle = accounts::name(&self.log, self.names.handle(username.as_str())).await?;
            if !handle.is_free_for(&id, now.now) {
                continue;
            }
            let registration = self.registration.clone();
            let entrance = Entrance { loopback, registration, invite: None };
            let by = Registrar::Themselves(entrance);
            let state = Registering { handle, email, registry, by };
            let account = NewAccount {
                username,
                email: address,
                email_verified: true,
                display_name: login.claims.display_name.clone(),
                role: None,
                has_password: false,
            };
            return Ok(register(&state, &account, &id, &now)?);
        }
        let detail = "no username could be found";
        Err(Rejection::new(Code::AlreadyExists, detail).into())
    }
}
