//! Messages that this process is writing at the moment. The live feed often brings one before its acknowledgement, and
//! what follows the feed need not read what was written here.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use schemas::ids::MessageId;

use crate::dedup::Claim;

/// The messages, and what makes each unrepeatable.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashMap<MessageId, Option<Claim>, RandomState>>);

/// Messages that are being written, until this is dropped.
#[must_use]
pub(crate) struct Writing<'a> {
    of: &'a UnderWay,
    ids: Vec<MessageId>,
}

impl UnderWay {
    /// These messages are being written from now on.
    pub(crate) fn begin<'m>(
        &self,
        messages: impl Iterator<Item = (&'m MessageId, Option<&'m Claim>)>,
    ) -> Writing<'_> {
        let mut under_way = self.0.lock();
        let ids = messages.map(|(id, claim)| {
            under_way.insert(*id, claim.cloned());
            *id
        });
        Writing { ids: ids.collect(), of: self }
    }

    /// Whether a message is being written here; if so, and if something makes it unrepeatable, `claimed` is told.
    pub(crate) fn has(&self, id: &MessageId, claimed: impl FnOnce(&Claim)) -> bool {
        let under_way = self.0.lock();
        let Some(claim) = under_way.get(id) else { return false };
        if let Some(claim) = claim {
            claimed(claim);
        }
        true
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut under_way = self.of.0.lock();
        for id in &self.ids {
            under_way.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::values::ClientId;
    use schemas::{RoomId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_message_is_under_way_until_it_is_written() {
        let uuid = Uuid::from_u128;
        let (one, two) = (MessageId::from_uuid(uuid(1)), MessageId::from_uuid(uuid(2)));
        let client_id = ClientId::parse("c").unwrap();
        let claim = Claim::new(RoomId::from_uuid(uuid(3)), UserId::from_uuid(uuid(4)), client_id);
        let under_way = UnderWay::default();
        let first = under_way.begin([(&one, Some(&claim))].into_iter());
        let second = under_way.begin([(&two, None)].into_iter());
        let find = |id| {
            let mut claimed = None;
            under_way.has(id, |claim| claimed = Some(claim.clone())).then_some(claimed)
        };
        assert_eq!((find(&one), find(&two)), (Some(Some(claim)), Some(None)));
        drop(first);
        assert_eq!((find(&one), find(&two)), (None, Some(None)));
        drop(second);
        assert_eq!(find(&two), None);
    }
}
