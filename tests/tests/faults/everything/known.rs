//! What the case knows of the town, so that most of what it chooses to be done succeeds. It follows from the answers
//! alone, in the order of the choices.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schedule::Dice;

/// How many people live in the town. The first is its administrator.
pub(super) const PEOPLE: usize = 20;

/// A room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) members: BTreeSet<usize>,
    /// Those who may do what members may not; of rooms without roles everybody.
    pub(super) admins: BTreeSet<usize>,
    pub(super) banned: BTreeSet<usize>,
    pub(super) archived: bool,
}

/// What kind of room it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Group,
    Direct,
}

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) room: usize,
    pub(super) by: usize,
    /// The message it answers.
    pub(super) root: Option<usize>,
    pub(super) gone: bool,
}

/// What is learned from a success.
#[derive(Debug, Clone)]
pub(super) enum Lesson {
    Nothing,
    Posted { room: usize, by: usize, root: Option<usize> },
    Gone(usize),
    Came { room: usize, who: usize },
    Went { room: usize, who: usize },
    Role { room: usize, who: usize, admin: bool },
    Banned { room: usize, who: usize, banned: bool },
    Archived { room: usize, archived: bool },
    Made { kind: Kind, by: usize, members: Vec<usize> },
    Invited { room: usize },
    Revoked { code: String },
    Reported,
    Inbox { who: usize },
    Removed { file: String },
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) rooms: Vec<Room>,
    pub(super) messages: Vec<Message>,
    /// Codes of invitations, and the rooms they lead to.
    pub(super) invites: Vec<(String, usize)>,
    pub(super) reports: Vec<String>,
    /// Entries of inboxes that were unread, with whose they are.
    pub(super) unread: Vec<(usize, String)>,
    /// Files that no message has yet, with their owners.
    pub(super) files: Vec<(usize, String)>,
    /// The room that everybody is in.
    pub(super) general: usize,
    /// Who cannot act at present: suspended, or gone for good.
    pub(super) out: BTreeSet<usize>,
}

impl Known {
    /// Learns from the answer to what was done.
    pub(super) fn learn(&mut self, lesson: &Lesson, answer: &Value) {
        let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match lesson.clone() {
            Lesson::Nothing => {}
            Lesson::Posted { room, by, root } => {
                let id = id(&answer["id"]);
                // A repeat is answered with the same message.
                if self.messages.iter().all(|message| message.id != id) {
                    self.messages.push(Message { id, room, by, root, gone: false });
                }
            }
            Lesson::Gone(message) => self.messages[message].gone = true,
            Lesson::Came { room, who } => {
                self.rooms[room].members.insert(who);
            }
            Lesson::Went { room, who } => {
                self.rooms[room].members.remove(&who);
                self.rooms[room].admins.remove(&who);
            }
            Lesson::Role { room, who, admin: true } => {
                self.rooms[room].admins.insert(who);
            }
            Lesson::Role { room, who, admin: false } => {
                self.rooms[room].admins.remove(&who);
            }
            Lesson::Banned { room, who, banned } => {
                if banned {
                    self.rooms[room].members.remove(&who);
                    self.rooms[room].admins.remove(&who);
                    self.rooms[room].banned.insert(who);
                } else {
                    self.rooms[room].banned.remove(&who);
                }
            }
            Lesson::Archived { room, archived } => self.rooms[room].archived = archived,
            Lesson::Made { kind, by, members } => self.made(id(&answer["id"]), kind, by, members),
            Lesson::Invited { room } => self.invites.push((id(&answer["code"]), room)),
            Lesson::Revoked { code } => self.invites.retain(|(one, _)| *one != code),
            Lesson::Reported => self.reports.push(id(&answer["id"])),
            Lesson::Inbox { who } => {
                self.unread.retain(|(whose, _)| *whose != who);
                let entries = answer["items"].as_array().into_iter().flatten();
                self.unread.extend(entries.map(|entry| (who, id(&entry["id"]))));
            }
            Lesson::Removed { file } => self.files.retain(|(_, one)| *one != file),
        }
    }

    fn made(&mut self, id: String, kind: Kind, by: usize, members: Vec<usize>) {
        if id.is_empty() || self.rooms.iter().any(|room| room.id == id) {
            return;
        }
        let members: BTreeSet<usize> = members.into_iter().chain([by]).collect();
        let admins = if kind == Kind::Direct { members.clone() } else { BTreeSet::from([by]) };
        let banned = BTreeSet::new();
        self.rooms.push(Room { id, kind, members, admins, banned, archived: false });
    }

    /// A user who can act at present.
    pub(super) fn actor(&self, dice: &mut Dice) -> usize {
        let able: Vec<usize> = (0..PEOPLE).filter(|who| !self.out.contains(who)).collect();
        *dice.pick(&able)
    }

    /// One of these who can act at present; the first of the town when there is none.
    pub(super) fn one_of(&self, dice: &mut Dice, among: &BTreeSet<usize>) -> usize {
        let able: Vec<usize> =
            among.iter().copied().filter(|who| !self.out.contains(who)).collect();
        if able.is_empty() { 0 } else { *dice.pick(&able) }
    }

    /// A room; one that is archived seldom.
    pub(super) fn room(&self, dice: &mut Dice) -> usize {
        let open: Vec<usize> = (0..self.rooms.len())
            .filter(|room| !self.rooms[*room].archived && !self.rooms[*room].members.is_empty())
            .collect();
        if open.is_empty() || dice.once_in(40) {
            return dice.below(self.rooms.len());
        }
        *dice.pick(&open)
    }

    /// Messages that were answered.
    pub(super) fn answered(&self) -> BTreeSet<usize> {
        self.messages.iter().filter_map(|message| message.root).collect()
    }

    /// A message that fits, mostly one of the newest; one that does not when there is none.
    pub(super) fn message(&self, dice: &mut Dice, fits: impl Fn(usize, &Message) -> bool) -> usize {
        let stands = |message: &Message| !message.gone && !self.rooms[message.room].archived;
        let all: Vec<usize> = (0..self.messages.len())
            .rev()
            .filter(|at| stands(&self.messages[*at]) && fits(*at, &self.messages[*at]))
            .take(if dice.once_in(4) { usize::MAX } else { 40 })
            .collect();
        // Now and then one that is gone: refused, and to be refused whole.
        if all.is_empty() || dice.once_in(50) {
            return dice.below(self.messages.len());
        }
        *dice.pick(&all)
    }
}
