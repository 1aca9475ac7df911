//! A [`Disk`] as the kernel sees it.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    FileAttr, FileType, Filesystem, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
};
use nix::libc::{EEXIST, EIO, EISDIR, ENOENT, ENOTEMPTY, O_DSYNC, c_int};

use super::disk::{Disk, Node, ROOT};

/// How long the kernel may cache an answer: nothing else changes the files.
const TTL: Duration = Duration::from_secs(3600);
const BLOCK: u32 = 4096;
/// Blocks that are said to be free: 4 GiB.
const FREE: u64 = 1 << 20;

/// Answers the kernel from a disk.
pub(super) struct Mounted(Arc<Mutex<Disk>>);

impl Mounted {
    pub(super) const fn of(disk: Arc<Mutex<Disk>>) -> Self {
        Self(disk)
    }

    /// The disk, while it has power.
    fn disk(&self) -> Result<MutexGuard<'_, Disk>, c_int> {
        let disk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if disk.off { Err(EIO) } else { Ok(disk) }
    }

    fn found(&self, parent: u64, name: &OsStr) -> Result<FileAttr, c_int> {
        let disk = self.disk()?;
        let number = disk.find(parent, name).ok_or(ENOENT)?;
        attributes(&disk, number)
    }

    fn made(&self, parent: u64, name: &OsStr, mode: u32, folder: bool) -> Result<FileAttr, c_int> {
        let mut disk = self.disk()?;
        if disk.find(parent, name).is_some() {
            return Err(EEXIST);
        }
        let number = disk.make(parent, name, mode & 0o7777, folder);
        attributes(&disk, number)
    }

    fn removed(&self, parent: u64, name: &OsStr, folder: bool) -> Result<(), c_int> {
        let mut disk = self.disk()?;
        let number = disk.find(parent, name).ok_or(ENOENT)?;
        let is_folder = disk.node(number).is_some_and(Node::is_folder);
        if is_folder && !folder {
            return Err(EISDIR);
        }
        if is_folder && !disk.list(number).is_empty() {
            return Err(ENOTEMPTY);
        }
        disk.unlink(parent, name);
        Ok(())
    }

    fn moved(&self, from: (u64, &OsStr), to: (u64, &OsStr), flags: u32) -> Result<(), c_int> {
        let mut disk = self.disk()?;
        // RENAME_NOREPLACE is the only flag that is needed here.
        if flags & 1 == 1 && disk.find(to.0, to.1).is_some() {
            return Err(EEXIST);
        }
        let number = disk.unlink(from.0, from.1).ok_or(ENOENT)?;
        disk.link(number, to.0, to.1);
        Ok(())
    }
}

fn attributes(disk: &Disk, number: u64) -> Result<FileAttr, c_int> {
    let node = disk.node(number).ok_or(ENOENT)?;
    let kind = if node.is_folder() { FileType::Directory } else { FileType::RegularFile };
    let size = node.len() as u64;
    Ok(FileAttr {
        ino: number,
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: u16::try_from(node.mode & 0o7777).unwrap_or(0o700),
        nlink: if node.is_folder() { 2 } else { 1 },
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    })
}

fn empty(reply: ReplyEmpty, done: Result<(), c_int>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(reply: ReplyEntry, found: Result<FileAttr, c_int>) {
    match found {
        Ok(attributes) => reply.entry(&TTL, &attributes, 0),
        Err(error) => reply.error(error),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "offsets in small files"
)]
const fn place(offset: i64) -> usize {
    offset as usize
}

impl Filesystem for Mounted {
    fn lookup(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEntry) {
        entry(reply, self.found(parent, name));
    }

    fn getattr(&mut self, _: &Request<'_>, ino: u64, _: Option<u64>, reply: ReplyAttr) {
        match self.disk().and_then(|disk| attributes(&disk, ino)) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<u64>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<u32>,
        reply: ReplyAttr,
    ) {
        let changed = self.disk().and_then(|mut disk| {
            if let Some(mode) = mode {
                disk.set_mode(ino, mode & 0o7777);
            }
            if let Some(size) = size {
                disk.cut(ino, usize::try_from(size).map_err(|_| EIO)?);
            }
            attributes(&disk, ino)
        });
        match changed {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mknod(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        entry(reply, self.made(parent, name, mode, false));
    }

    fn mkdir(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        entry(reply, self.made(parent, name, mode & !umask, true));
    }

    fn create(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.made(parent, name, mode & !umask, false) {
            Ok(attributes) => reply.created(&TTL, &attributes, 0, 0, 0),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.removed(parent, name, false));
    }

    fn rmdir(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.removed(parent, name, true));
    }

    fn rename(
        &mut self,
        _: &Request<'_>,
        parent: u64,
        name: &OsStr,
        newparent: u64,
        newname: &OsStr,
        flags: u32,
        reply: ReplyEmpty,
    ) {
        empty(reply, self.moved((parent, name), (newparent, newname), flags));
    }

    fn link(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        newparent: u64,
        newname: &OsStr,
        reply: ReplyEntry,
    ) {
        let linked = self.disk().and_then(|mut disk| {
            if disk.find(newparent, newname).is_some() {
                return Err(EEXIST);
            }
            disk.link(ino, newparent, newname);
            attributes(&disk, ino)
        });
        entry(reply, linked);
    }

    fn open(&mut self, _: &Request<'_>, ino: u64, _: i32, reply: ReplyOpen) {
        match self.disk().and_then(|disk| attributes(&disk, ino)) {
            Ok(_) => reply.opened(0, 0),
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _: u64,
        offset: i64,
        size: u32,
        _: i32,
        _: Option<u64>,
        reply: ReplyData,
    ) {
        match self.disk() {
            Ok(disk) => reply.data(disk.read(ino, place(offset), size as usize)),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _: u64,
        offset: i64,
        data: &[u8],
        _: u32,
        flags: i32,
        _: Option<u64>,
        reply: ReplyWrite,
    ) {
        match self.disk() {
            Ok(mut disk) => {
                disk.write(ino, place(offset), data);
                if flags & O_DSYNC != 0 {
                    disk.sync_file(ino);
                }
                reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
            }
            Err(error) => reply.error(error),
        }
    }

    fn flush(&mut self, _: &Request<'_>, _: u64, _: u64, _: u64, reply: ReplyEmpty) {
        empty(reply, self.disk().map(drop));
    }

    fn fsync(&mut self, _: &Request<'_>, ino: u64, _: u64, _: bool, reply: ReplyEmpty) {
        empty(reply, self.disk().map(|mut disk| disk.sync_file(ino)));
    }

    fn fsyncdir(&mut self, _: &Request<'_>, ino: u64, _: u64, _: bool, reply: ReplyEmpty) {
        empty(reply, self.disk().map(|mut disk| disk.sync_folder(ino)));
    }

    fn readdir(
        &mut self,
        _: &Request<'_>,
        ino: u64,
        _: u64,
        offset: i64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self.disk().map(|disk| {
            let dots = [(".".into(), ino), ("..".into(), ROOT)];
            let kind = |number| disk.node(number).is_some_and(Node::is_folder);
            let all = dots.into_iter().chain(disk.list(ino));
            all.map(|(name, number)| (name, number, kind(number))).collect::<Vec<_>>()
        });
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => return reply.error(error),
        };
        for (next, (name, number, folder)) in (1..).zip(listed).skip(place(offset)) {
            let kind = if folder { FileType::Directory } else { FileType::RegularFile };
            if reply.add(number, next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&mut self, _: &Request<'_>, _: u64, reply: ReplyStatfs) {
        reply.statfs(FREE, FREE, FREE, FREE, FREE, BLOCK, 255, BLOCK);
    }
}
