//! Generations as SQLite files in one folder: `gen-<n>.db`, with `current.json` pointing at the live one.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use schemas::Namespace;
use serde::{Deserialize, Serialize};

use super::schema;
use super::side::SideFile;
use super::store::{SqliteStore, blocking};
use crate::answers::{Answer, StoreError};
use crate::backend::{Backend, Durability};
use crate::documents::LAYOUT;
use crate::side::{SIDE, SideStore};
use crate::store::ProjectionStore;

/// The folder that holds the generations of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
    namespace: Namespace,
    /// Bytes of pages an open generation keeps in memory.
    cache: u64,
}

/// The content of `current.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    namespace: Namespace,
    layout: u32,
    generation: String,
}

fn io_error(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// Options for a file that only its owner can read. SQLite gives the same permissions to the files beside it.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Removes the permissions of group and others on a folder and the files in it.
fn make_private(dir: &Path) -> Answer<()> {
    let close = |path: &Path, mode: u32| {
        let found = match std::fs::symlink_metadata(path) {
            Ok(found) => found.permissions().mode(),
            // Files of a generation come and go.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error(error)),
        };
        if found & 0o077 == 0 {
            return Ok(());
        }
        match std::fs::set_permissions(path, Permissions::from_mode(mode)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error(error)),
            _ => Ok(()),
        }
    };
    close(dir, 0o700)?;
    for entry in std::fs::read_dir(dir).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            close(&entry.path(), 0o600)?;
        }
    }
    Ok(())
}

impl Files {
    /// Creates the folder when it is missing, for its owner alone. An existing folder is closed to others too:
    /// it holds every message and address.
    pub(crate) async fn open(dir: &Path, namespace: &Namespace, cache: u64) -> Answer<Self> {
        let files = Self { dir: dir.to_owned(), namespace: namespace.clone(), cache };
        let made = files.dir.clone();
        blocking(move || {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&made)
                .map_err(io_error)?;
            make_private(&made)
        })
        .await?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.db"))
    }

    fn read_pointer(&self) -> Answer<Option<String>> {
        let text = match std::fs::read(self.dir.join("current.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(error)),
        };
        let pointer: Pointer = serde_json::from_slice(&text)
            .map_err(|error| StoreError::Unreadable(format!("current.json: {error}")))?;
        if pointer.namespace != self.namespace {
            return Err(StoreError::Unreadable(format!(
                "the folder belongs to namespace {}",
                pointer.namespace
            )));
        }
        if pointer.layout != LAYOUT {
            tracing::warn!(
                layout.found = pointer.layout,
                layout.wanted = LAYOUT,
                "another layout of the read model"
            );
            return Ok(None);
        }
        Ok(Some(pointer.generation))
    }

    fn write_pointer(&self, from: Option<&str>, to: &str) -> Answer<bool> {
        // Held until the end: between processes the lock makes compare and write one step.
        let lock = private_file().create(true).truncate(true).open(self.dir.join("current.lock"));
        let lock = lock.map_err(io_error)?;
        lock.lock().map_err(io_error)?;
        if self.read_pointer()?.as_deref() != from {
            return Ok(false);
        }
        let pointer = Pointer {
            namespace: self.namespace.clone(),
            layout: LAYOUT,
            generation: to.to_owned(),
        };
        let text =
            serde_json::to_vec(&pointer).map_err(|error| StoreError::Failed(Box::new(error)))?;
        let next = self.dir.join("current.json.next");
        let mut file = private_file().create(true).truncate(true).open(&next).map_err(io_error)?;
        file.write_all(&text).map_err(io_error)?;
        file.sync_all().map_err(io_error)?;
        std::fs::rename(&next, self.dir.join("current.json")).map_err(io_error)?;
        // The rename itself must survive a power loss before the old generation is deleted.
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(io_error)?;
        Ok(true)
    }

    fn create_file(
        &self,
        name: &str,
        durability: Durability,
    ) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let path = self.path(name);
        match private_file().create_new(true).open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(io_error(error)),
        }
        schema::create(&path, durability)?;
        Ok(Some(Arc::new(SqliteStore::open(name, &path, durability, self.cache)?)))
    }

    fn open_file(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let path = self.path(name);
        if !path.exists() || !schema::exists(&path)? {
            return Ok(None);
        }
        Ok(Some(Arc::new(SqliteStore::open(name, &path, Durability::Immediate, self.cache)?)))
    }

    fn names(&self) -> Answer<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(io_error)? {
            let file = entry.map_err(io_error)?.file_name();
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".db"))
                && name != SIDE
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> Answer<()> {
        for suffix in ["db", "db-wal", "db-shm"] {
            match std::fs::remove_file(self.dir.join(format!("{name}.{suffix}"))) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(io_error(error)),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for Files {
    async fn pointer(&self) -> Answer<Option<String>> {
        let files = self.clone();
        blocking(move || files.read_pointer()).await
    }

    async fn switch(&self, from: Option<&str>, to: &str) -> Answer<bool> {
        let (files, from, to) = (self.clone(), from.map(str::to_owned), to.to_owned());
        blocking(move || files.write_pointer(from.as_deref(), &to)).await
    }

    async fn create(
        &self,
        name: &str,
        durability: Durability,
    ) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let (files, name) = (self.clone(), name.to_owned());
        blocking(move || files.create_file(&name, durability)).await
    }

    async fn open(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let (files, name) = (self.clone(), name.to_owned());
        blocking(move || files.open_file(&name)).await
    }

    async fn list(&self) -> Answer<Vec<String>> {
        let files = self.clone();
        blocking(move || files.names()).await
    }

    fn location(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    async fn side(&self) -> Answer<Arc<dyn SideStore>> {
        let path = self.path(SIDE);
        blocking(move || -> Answer<Arc<dyn SideStore>> {
            private_file().create(true).truncate(false).open(&path).map_err(io_error)?;
            Ok(Arc::new(SideFile::open(&path)?))
        })
        .await
    }

    async fn delete(&self, name: &str) -> Answer<()> {
        let (files, name) = (self.clone(), name.to_owned());
        blocking(move || files.remove(&name)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_generation_is_opened_once_it_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let namespace = Namespace::parse("sealed").unwrap();
        let files = Files::open(folder.path(), &namespace, 1 << 20).await.unwrap();
        let first = files.create("gen-1", Durability::Immediate).await.unwrap();
        assert!(first.is_some() && files.open("gen-1").await.unwrap().is_some());
        let next = files.create("gen-2", Durability::AtSeal).await.unwrap().unwrap();
        assert!(files.open("gen-2").await.unwrap().is_none());
        next.seal().await.unwrap();
        let opened = files.open("gen-2").await.unwrap().unwrap();
        // What the one writes the other reads while both are open: the file has its log now.
        next.set_retired(true).await.unwrap();
        assert!(opened.checkpoint().await.unwrap().retired);
        assert!(folder.path().join("gen-2.db-wal").exists());
    }

    #[tokio::test]
    async fn files_and_folder_are_their_owners_alone_whatever_they_were() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("read");
        let namespace = Namespace::parse("private").unwrap();
        let files = Files::open(&folder, &namespace, 1 << 20).await.unwrap();
        let store = files.create("gen-1", Durability::Immediate).await.unwrap().unwrap();
        assert!(files.switch(None, "gen-1").await.unwrap());
        store.set_retired(true).await.unwrap();
        let modes = || {
            let all = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            let files: Vec<u32> = all.map(|path| mode(&path)).collect();
            (mode(&folder), files)
        };
        let (of_folder, of_files) = modes();
        assert!(of_folder == 0o700 && of_files.len() >= 4, "{of_folder:o} {of_files:?}");
        assert!(of_files.iter().all(|mode| *mode == 0o600), "{of_files:?}");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let open = Permissions::from_mode(0o644);
            std::fs::set_permissions(entry.unwrap().path(), open).unwrap();
        }
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        Files::open(&folder, &namespace, 1 << 20).await.unwrap();
        let (of_folder, of_files) = modes();
        assert_eq!((of_folder, of_files.iter().all(|mode| *mode == 0o600)), (0o700, true));
    }
}
