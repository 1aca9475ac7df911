//! What is forgotten of a person whose account is closed, and of none else.

use eventlog::SecretError;
use futures_util::future::join_all;
use schemas::commands::{CallContext, DeleteAccount, ForgetSecrets};
use schemas::values::Secret;
use schemas::{Code, UserId};

use crate::kit::{Kit, PASSWORD, ask, refused};

/// The buckets with a record under the id of a person.
const OF_A_PERSON: [&str; 7] =
    ["credentials", "second_factors", "codes", "attempts", "devices", "admins", "user_sessions"];

impl Kit {
    /// Keys that name a person or their session, with their buckets.
    async fn kept_of(&self, names: [&str; 2]) -> Vec<String> {
        let mut found = Vec::new();
        for bucket in OF_A_PERSON.into_iter().chain(["sessions"]) {
            let keys = self.log.secrets(bucket).keys(None).await.unwrap();
            let theirs = keys.into_iter().filter(|key| names.iter().any(|name| key == name));
            found.extend(theirs.map(|key| format!("{bucket}/{key}")));
        }
        found
    }

    /// Leaves something of a person in every bucket, where there is nothing.
    async fn leave_everywhere(&self, user: &UserId) {
        for bucket in OF_A_PERSON {
            let left = self.log.secrets(bucket).create(user.as_str(), "{}", None).await;
            assert!(matches!(left, Ok(_) | Err(SecretError::Conflict)), "{bucket}: {left:?}");
        }
    }

    async fn is_told_to_forget(&self, user: &UserId) -> Result<(), Code> {
        let command = ForgetSecrets { user_id: *user };
        let answer = self.call(&CallContext::default(), command).await;
        answer.map_err(|refused| refused.code)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_secrets_of_a_closed_account_are_forgotten() {
    let kit = Kit::start().await;
    let (boss, _) = kit.person("boss").await;
    let (tokens, ada) = kit.person("ada").await;
    let (id, session) = (&tokens.user.user.id, &tokens.session_id);
    let names = [id.as_str(), session.as_str()];
    assert_eq!(kit.is_told_to_forget(id).await, Err(Code::Forbidden));
    assert!(kit.is_active(&tokens).await);
    kit.login("ada").await.unwrap();
    let none = UserId::from_uuid(uuid::Uuid::nil());
    assert_eq!(kit.is_told_to_forget(&none).await, Err(Code::NotFound));

    let (sessions, lists) = (kit.log.secrets("sessions"), kit.log.secrets("user_sessions"));
    let (record, _) = sessions.get(session.as_str()).await.unwrap().unwrap();
    let close =
        DeleteAccount { password: Some(Secret::new(PASSWORD)), code: None, erasure_id: None };
    kit.call(&ada, close).await.unwrap();
    // A login that was under way when the account was closed, and died, leaves such a session.
    sessions.create(session.as_str(), record, None).await.unwrap();
    let (_, revision) = lists.get(id.as_str()).await.unwrap().unwrap();
    lists.update(id.as_str(), format!("[\"{session}\"]"), revision, None).await.unwrap();
    kit.leave_everywhere(id).await;
    assert_eq!(kit.kept_of(names).await.len(), OF_A_PERSON.len() + 1);

    // Two copies, several at once, over NATS.
    kit.copy().await;
    let (remote, context) = (kit.remote().await, CallContext::default());
    let command = ForgetSecrets { user_id: *id };
    let all = (0..8).map(|_| ask(&remote, &context, &command));
    assert_eq!(join_all(all).await, vec![Ok(()); 8]);
    assert_eq!(kit.kept_of(names).await, Vec::<String>::new());
    assert_eq!(kit.is_told_to_forget(id).await, Ok(()), "a repeat has nothing to do");
    assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);

    assert!(kit.is_active(&boss).await, "what others have stays");
    kit.login("boss").await.unwrap();
}
