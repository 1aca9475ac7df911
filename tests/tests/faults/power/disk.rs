//! What a disk holds, and what it would hold after a power loss.
//!
//! The model is a journaling file system at its strictest: what a file contains is safe after `fsync`, which also
//! makes its name safe (as ext4, xfs and btrfs do); names given, changed or taken otherwise are safe after the
//! folder's `fsync`. Whatever else was written, the kernel may or may not have brought to the disk by itself: a
//! seed decides.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};

use crate::schedule::Dice;

pub(super) const ROOT: u64 = 1;

type Names = BTreeMap<OsString, u64>;

/// A file or a folder.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) mode: u32,
    pub(super) body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    File { now: Vec<u8>, safe: Vec<u8>, changed: Changed },
    Folder { now: Names, safe: Names },
}

/// Which bytes of a file differ from what is safe, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Nothing,
    /// From one place to another.
    Range(usize, usize),
    /// It was cut off: anything.
    All,
}

/// Files and folders by number.
#[derive(Debug)]
pub(super) struct Disk {
    nodes: HashMap<u64, Node>,
    next: u64,
    /// There is no power: every request is refused.
    pub(super) off: bool,
}

impl Node {
    fn file(mode: u32) -> Self {
        let body = Body::File { now: Vec::new(), safe: Vec::new(), changed: Changed::Nothing };
        Self { mode, body }
    }

    pub(super) fn folder(mode: u32) -> Self {
        Self { mode, body: Body::Folder { now: Names::new(), safe: Names::new() } }
    }

    pub(super) const fn is_folder(&self) -> bool {
        matches!(self.body, Body::Folder { .. })
    }

    pub(super) const fn len(&self) -> usize {
        match &self.body {
            Body::File { now, .. } => now.len(),
            Body::Folder { .. } => 4096,
        }
    }

    /// Makes what the file contains safe.
    fn sync(&mut self) {
        if let Body::File { now, safe, changed } = &mut self.body {
            match *changed {
                Changed::Nothing => {}
                Changed::Range(from, to) if from <= safe.len() => {
                    let to = to.min(now.len());
                    safe.resize(now.len().max(safe.len()), 0);
                    safe[from..to].copy_from_slice(&now[from..to]);
                    safe.truncate(now.len());
                }
                Changed::Range(..) | Changed::All => safe.clone_from(now),
            }
            *changed = Changed::Nothing;
        }
    }

    /// What is left of it after a power loss.
    fn lose(&mut self, dice: &mut Dice) {
        match &mut self.body {
            Body::Folder { now, safe } => now.clone_from(safe),
            Body::File { now, safe, changed } => {
                if *changed != Changed::Nothing {
                    match dice.below(4) {
                        // The kernel had written all of it back, or its beginning, by itself.
                        0 => safe.clone_from(now),
                        1 if now.len() > safe.len() => {
                            let kept = dice.within(safe.len()..now.len());
                            safe.extend_from_slice(&now[safe.len()..kept]);
                        }
                        _ => {}
                    }
                }
                now.clone_from(safe);
                *changed = Changed::Nothing;
            }
        }
    }
}

impl Changed {
    fn with(self, from: usize, to: usize) -> Self {
        match self {
            Self::Nothing => Self::Range(from, to),
            Self::Range(begin, end) => Self::Range(begin.min(from), end.max(to)),
            Self::All => Self::All,
        }
    }
}

impl Disk {
    pub(super) fn empty() -> Self {
        Self { nodes: HashMap::from([(ROOT, Node::folder(0o755))]), next: ROOT + 1, off: false }
    }

    pub(super) fn node(&self, number: u64) -> Option<&Node> {
        self.nodes.get(&number)
    }

    pub(super) fn set_mode(&mut self, number: u64, mode: u32) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.mode = mode;
        }
    }

    fn names(&mut self, folder: u64) -> Option<&mut Names> {
        match &mut self.nodes.get_mut(&folder)?.body {
            Body::Folder { now, .. } => Some(now),
            Body::File { .. } => None,
        }
    }

    pub(super) fn list(&self, folder: u64) -> Vec<(OsString, u64)> {
        match self.nodes.get(&folder).map(|node| &node.body) {
            Some(Body::Folder { now, .. }) => now.iter().map(|(n, i)| (n.clone(), *i)).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn find(&self, folder: u64, name: &OsStr) -> Option<u64> {
        match &self.nodes.get(&folder)?.body {
            Body::Folder { now, .. } => now.get(name).copied(),
            Body::File { .. } => None,
        }
    }

    /// Makes a file or folder; its number.
    pub(super) fn make(&mut self, parent: u64, name: &OsStr, mode: u32, folder: bool) -> u64 {
        let number = self.next;
        self.next += 1;
        let node = if folder { Node::folder(mode) } else { Node::file(mode) };
        self.nodes.insert(number, node);
        self.link(number, parent, name);
        number
    }

    pub(super) fn link(&mut self, number: u64, parent: u64, name: &OsStr) {
        if let Some(names) = self.names(parent) {
            names.insert(name.to_owned(), number);
        }
    }

    /// Takes a name away. What it named stays: it may be open, or come back with a power loss.
    pub(super) fn unlink(&mut self, parent: u64, name: &OsStr) -> Option<u64> {
        self.names(parent)?.remove(name)
    }

    pub(super) fn read(&self, number: u64, from: usize, length: usize) -> &[u8] {
        match self.nodes.get(&number).map(|node| &node.body) {
            Some(Body::File { now, .. }) => {
                let to = (from + length).min(now.len());
                now.get(from..to).unwrap_or_default()
            }
            _ => &[],
        }
    }

    pub(super) fn write(&mut self, number: u64, from: usize, bytes: &[u8]) {
        if let Some(Node { body: Body::File { now, changed, .. }, .. }) =
            self.nodes.get_mut(&number)
        {
            let (begin, to) = (from.min(now.len()), from + bytes.len());
            now.resize(now.len().max(to), 0);
            now[from..to].copy_from_slice(bytes);
            *changed = changed.with(begin, to);
        }
    }

    pub(super) fn cut(&mut self, number: u64, length: usize) {
        if let Some(Node { body: Body::File { now, changed, .. }, .. }) =
            self.nodes.get_mut(&number)
            && now.len() != length
        {
            *changed = match length < now.len() {
                true => Changed::All,
                false => changed.with(now.len(), length),
            };
            now.resize(length, 0);
        }
    }

    /// `fsync` of a file: what it contains is safe, and so is what it is called, the folders on the way included.
    pub(super) fn sync_file(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.sync();
        }
        self.sync_names_of(number);
    }

    fn sync_names_of(&mut self, number: u64) {
        let mut above = Vec::new();
        for (folder, node) in &mut self.nodes {
            let Body::Folder { now, safe } = &mut node.body else { continue };
            let is_it = |names: &Names| names.values().any(|named| *named == number);
            if !is_it(now) && !is_it(safe) {
                continue;
            }
            safe.retain(|name, named| *named != number || now.get(name) == Some(&number));
            for (name, named) in now.iter().filter(|(_, named)| **named == number) {
                safe.insert(name.clone(), *named);
            }
            above.push(*folder);
        }
        for folder in above.into_iter().filter(|folder| *folder != ROOT) {
            if !self.is_safe(folder) {
                self.sync_names_of(folder);
            }
        }
    }

    /// Whether a folder's name is safe.
    fn is_safe(&self, number: u64) -> bool {
        self.nodes.values().any(|node| match &node.body {
            Body::Folder { safe, .. } => safe.values().any(|named| *named == number),
            Body::File { .. } => false,
        })
    }

    /// `fsync` of a folder: the names in it are safe, and so is its own.
    pub(super) fn sync_folder(&mut self, number: u64) {
        if let Some(Node { body: Body::Folder { now, safe }, .. }) = self.nodes.get_mut(&number) {
            safe.clone_from(now);
        }
        if number != ROOT {
            self.sync_names_of(number);
        }
    }

    /// The power is lost: only what was safe is left, and what the kernel happened to have written.
    pub(super) fn lose(&mut self, dice: &mut Dice) {
        let mut numbers: Vec<u64> = self.nodes.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            if let Some(node) = self.nodes.get_mut(&number) {
                node.lose(dice);
            }
        }
        let mut reached = vec![ROOT];
        let mut at = 0;
        while let Some(folder) = reached.get(at).copied() {
            reached.extend(self.list(folder).into_iter().map(|(_, number)| number));
            at += 1;
        }
        self.nodes.retain(|number, _| reached.contains(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    /// A disk after a power loss in which the kernel had written nothing by itself.
    fn after(mut disk: Disk) -> Disk {
        // The first choices of this seed leave what is not safe behind.
        let mut dice = (1..).map(Dice::of).find(|dice| dice.clone().below(4) > 1).unwrap();
        disk.lose(&mut dice);
        disk
    }

    #[test]
    fn what_was_not_synced_is_forgotten() {
        let mut disk = Disk::empty();
        let file = disk.make(ROOT, name("a"), 0o600, false);
        disk.write(file, 0, b"safe");
        disk.sync_file(file);
        disk.write(file, 2, b"lost and longer");
        let other = disk.make(ROOT, name("b"), 0o600, false);
        disk.write(other, 0, b"never synced");
        let disk = after(disk);
        assert_eq!(disk.read(file, 0, 100), b"safe");
        assert_eq!(disk.find(ROOT, name("b")), None);
        assert!(disk.node(other).is_none());
    }

    #[test]
    fn a_rename_is_safe_with_its_folder_or_its_file() {
        for how in 0..3 {
            let mut disk = Disk::empty();
            let folder = disk.make(ROOT, name("d"), 0o700, true);
            let old = disk.make(folder, name("a"), 0o600, false);
            disk.sync_file(old);
            let new = disk.make(folder, name("a.tmp"), 0o600, false);
            disk.write(new, 0, b"new");
            disk.sync_file(new);
            disk.unlink(folder, name("a.tmp"));
            disk.link(new, folder, name("a"));
            match how {
                0 => {}
                1 => disk.sync_folder(folder),
                _ => disk.sync_file(new),
            }
            let disk = after(disk);
            let (found, left) = (disk.find(folder, name("a")), disk.find(folder, name("a.tmp")));
            if how == 0 {
                assert_eq!((found, left), (Some(old), Some(new)));
            } else {
                assert_eq!((found, left), (Some(new), None));
            }
        }
    }

    #[test]
    fn a_file_is_found_again_in_new_folders() {
        let mut disk = Disk::empty();
        let outer = disk.make(ROOT, name("o"), 0o700, true);
        let inner = disk.make(outer, name("i"), 0o700, true);
        let file = disk.make(inner, name("f"), 0o600, false);
        disk.write(file, 0, b"x");
        disk.sync_file(file);
        let disk = after(disk);
        assert_eq!(disk.find(inner, name("f")), Some(file));
        assert_eq!(disk.find(ROOT, name("o")), Some(outer));
    }

    #[test]
    fn what_was_cut_off_comes_back() {
        let mut disk = Disk::empty();
        let file = disk.make(ROOT, name("a"), 0o600, false);
        disk.write(file, 0, b"0123456789");
        disk.sync_file(file);
        disk.cut(file, 3);
        let lost = after(disk);
        assert_eq!(lost.read(file, 0, 100), b"0123456789");
        let mut disk = lost;
        disk.cut(file, 3);
        disk.write(file, 3, b"ab");
        disk.sync_file(file);
        assert_eq!(after(disk).read(file, 0, 100), b"012ab");
    }
}
