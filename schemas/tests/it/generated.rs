//! JSON Schema files, generated from the types into `json/`. `UPDATE=1` rewrites them.

use std::path::PathBuf;

#[test]
fn generated_schemas_are_up_to_date() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/json"));
    let update = std::env::var_os("UPDATE").is_some();
    let all = schemas::published();
    if update {
        std::fs::create_dir_all(&folder).unwrap();
    }
    for (name, schema) in &all {
        let path = folder.join(format!("{name}.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{path:?} is out of date: UPDATE=1 cargo test -p schemas rewrites it"
        );
    }
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !all.contains_key(&name) {
            assert!(update, "{path:?} belongs to no type");
            std::fs::remove_file(path).unwrap();
        }
    }
}
