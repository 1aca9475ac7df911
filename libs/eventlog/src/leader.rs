//! A stored message asked of its stream's leader: the other servers of a cluster may not know yet what was stored a
//! moment ago.

use async_nats::Message;
use bytes::Bytes;
use data_encoding::BASE64;
use schemas::{Sequence, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{self, NO_MESSAGE};
use crate::connection::Connection;
use crate::error::LogError;

/// Says when a message was first stored, where an increment of a backup has brought it back since.
pub(crate) const STORED_AT: &str = "Tidings-Stored-At";

impl Connection {
    /// The message of a stream that is `wanted` as `STREAM.MSG.GET` has it, by its sequence or as the last of a subject; none
    /// when there is no such message.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when no leader answered for 5 s.
    pub(crate) async fn leaders_message(
        &self,
        stream: &str,
        wanted: &Value,
    ) -> Result<Option<LeadersMessage>, LogError> {
        let subject = format!("$JS.API.STREAM.MSG.GET.{stream}");
        let answer = self.ask_leader_of(&subject, &wanted.to_string().into()).await?;
        LeadersMessage::read(&answer)
    }
}

/// A stored message as the leader of a stream gives it away.
pub(crate) struct LeadersMessage {
    pub(crate) sequence: Sequence,
    pub(crate) headers: String,
    pub(crate) payload: Bytes,
    pub(crate) subject: String,
    time: String,
}

impl LeadersMessage {
    /// Reads the answer; none when there is no such message.
    fn read(answer: &Message) -> Result<Option<Self>, LogError> {
        #[derive(Deserialize)]
        struct Answer {
            message: Encoded,
        }
        #[derive(Deserialize)]
        struct Encoded {
            subject: String,
            seq: Sequence,
            #[serde(default)]
            hdrs: String,
            #[serde(default)]
            data: String,
            time: String,
        }
        let found = match api::parse::<Answer>(answer)? {
            Ok(answer) => answer.message,
            Err(error) if error.err_code == NO_MESSAGE => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let decoded = |text: &str| {
            BASE64.decode(text.as_bytes()).map_err(|error| LogError::BadAnswer(error.into()))
        };
        Ok(Some(Self {
            sequence: found.seq,
            headers: String::from_utf8_lossy(&decoded(&found.hdrs)?).into_owned(),
            payload: decoded(&found.data)?.into(),
            subject: found.subject,
            time: found.time,
        }))
    }

    /// When it was stored first.
    pub(crate) fn stored_at(&self) -> Result<Timestamp, LogError> {
        let first = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(STORED_AT).then(|| Timestamp::parse(value.trim()).ok())?
        };
        match self.headers.lines().find_map(first) {
            Some(at) => Ok(at),
            None => Timestamp::parse(&self.time).map_err(|error| LogError::BadAnswer(error.into())),
        }
    }
}
