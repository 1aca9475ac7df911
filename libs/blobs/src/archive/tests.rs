use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use schemas::media::Checksum;

use super::*;

/// An upload whose bytes can be looked at.
struct Kept(Arc<Mutex<Vec<u8>>>);

#[async_trait]
impl Upload for Kept {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.0.lock().extend_from_slice(bytes);
        Ok(())
    }

    fn pause(&mut self) -> Paused {
        panic!("tried with a store, where it is built in")
    }

    async fn finish(self: Box<Self>) -> Result<Blob, BlobError> {
        let size = long(self.0.lock().len());
        let sha256 = Checksum::parse(&"0".repeat(64)).unwrap();
        Ok(Blob { version: "1".to_owned(), size, sha256: Some(sha256) })
    }

    async fn abort(self: Box<Self>) {}
}

fn archive() -> (Archive, Arc<Mutex<Vec<u8>>>) {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let made = Timestamp::from_millis(1_795_255_200_007);
    (Archive::new(Box::new(Kept(Arc::clone(&bytes))), made), bytes)
}

/// What a reader that is not ours says of an archive.
fn read(bytes: &[u8], script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("x.zip");
    std::fs::write(path, bytes).unwrap();
    let script = format!(
        "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n{script}"
    );
    let said = Command::new("python3").arg("-c").arg(script).arg(path).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[tokio::test]
async fn another_reader_finds_what_was_added() {
    let (mut archive, bytes) = archive();
    archive.add("é/a.json".to_owned(), b"{\"a\": 1}".to_vec()).await.unwrap();
    archive.add("empty".to_owned(), Vec::new()).await.unwrap();
    archive.add("long".to_owned(), b"tidings ".repeat(100_000)).await.unwrap();
    let blob = archive.finish().await.unwrap();
    let bytes = bytes.lock().clone();
    assert_eq!(blob.size, long(bytes.len()));
    assert!(bytes.len() < 20_000, "{}", bytes.len());
    let script = "for i in z.infolist(): print(i.filename, i.date_time, len(z.read(i)))
print(z.read('é/a.json').decode(), z.read('long') == b'tidings ' * 100000)";
    let said = read(&bytes, script);
    let lines = [
        "é/a.json (2026, 11, 21, 10, 0, 0) 8",
        "empty (2026, 11, 21, 10, 0, 0) 0",
        "long (2026, 11, 21, 10, 0, 0) 800000",
        "{\"a\": 1} True",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), lines);
}

#[tokio::test]
async fn an_archive_may_have_more_entries_than_the_format_was_made_for() {
    let (mut archive, bytes) = archive();
    for number in 0..66_000 {
        let (path, crc) = (format!("{number}"), crc32fast::hash(b"x"));
        let at = archive.at;
        let entry = Entry { path, method: Method::Stored, crc, packed: 1, size: 1, at };
        archive.begin(entry).await.unwrap();
        archive.write(b"x").await.unwrap();
    }
    archive.finish().await.unwrap();
    let said = read(&bytes.lock(), "print(len(z.namelist()), z.namelist()[-1])");
    assert_eq!(said.trim(), "66000 65999");
}

#[test]
fn large_numbers_stand_in_the_extra_field() {
    let entry = |size, at| {
        let path = "a".to_owned();
        Entry { path, method: Method::Stored, crc: 7, packed: size, size, at }
    };
    let listed = |entry: &Entry| {
        let mut into = Vec::new();
        list(entry, (0, 0), &mut into);
        into
    };
    let most = u64::from(u32::MAX);
    assert_eq!(listed(&entry(most - 1, most - 1)).len(), 46 + 1);
    let large = listed(&entry(most + 1, 0));
    assert_eq!(large.len(), 46 + 1 + 4 + 16);
    assert_eq!(&large[20..28], [0xff; 8], "both sizes are elsewhere");
    assert_eq!(&large[47..], [&[1, 0, 16, 0][..], &(most + 1).to_le_bytes().repeat(2)].concat());
    let far = listed(&entry(1, most));
    assert_eq!(&far[42..46], [0xff; 4], "the place is elsewhere");
    assert_eq!(&far[47..], [&[1, 0, 8, 0][..], &most.to_le_bytes()].concat());
    let mut head = Vec::new();
    open(&entry(most, 0), (0, 0), &mut head);
    assert_eq!(head.len(), 30 + 1 + 4 + 16);
    let mut end = Vec::new();
    ends(3, most, 100, &mut end);
    assert_eq!(end.len(), 56 + 20 + 22);
}
