use std::fs;
use std::path::Path;

use super::*;

fn file(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A snapshot of the directory.
fn snapshot(vault: &Vault, root: &Path, name: &str) -> Manifest {
    vault.begin(name).unwrap();
    let mut entries = Vec::new();
    let tree = Tree::of(root);
    tree.each(Path::new(""), &mut |found| {
        let put = vault.put(&tree.path(&found.path), Take::Copy)?.unwrap();
        entries.push(Entry {
            path: found.path.clone(),
            size: put.size,
            modified_ms: found.modified_ms,
            digest: put.digest,
        });
        Ok(true)
    })
    .unwrap();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let manifest = Manifest {
        head: Head::new(1, 0, Digest([0; 32])),
        entries,
    };
    vault.end(name, &manifest).unwrap();
    manifest
}

#[test]
fn contents_are_kept_once_and_as_long_as_they_are_wanted() {
    let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vault = Vault::open(&dir.path().join("new")).unwrap();
    file(data.path(), "a/one", "same");
    file(data.path(), "b/two", "same");
    file(data.path(), "b/three", "other");
    let first = snapshot(&vault, data.path(), "1");
    assert_eq!(first.summary(), Summary { files: 3, octets: 13 });
    assert_eq!(vault.manifest("1").unwrap(), first);
    fs::remove_file(data.path().join("b/three")).unwrap();
    let second = snapshot(&vault, data.path(), "2");
    let (same, other) = (first.entries[0].digest, first.entries[1].digest);
    assert!(vault.has(same) && vault.has(other));
    assert_eq!(vault.prune(1).unwrap(), 1);
    assert_eq!(vault.snapshots().unwrap(), ["2"]);
    assert!(vault.has(same) && !vault.has(other));
    let back = data.path().join("back");
    assert!(vault.get(second.entries[0].digest, &back, 7).unwrap());
    assert_eq!(fs::read(&back).unwrap(), b"same");
}

#[test]
fn a_damaged_content_is_not_given() {
    let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vault = Vault::open(dir.path()).unwrap();
    file(data.path(), "one", "text");
    let manifest = snapshot(&vault, data.path(), "1");
    let digest = manifest.entries[0].digest;
    let name = digest.to_string();
    fs::write(dir.path().join("files").join(&name[..2]).join(&name), "tEXT").unwrap();
    let back = data.path().join("back");
    assert!(!vault.is_sound(digest).unwrap());
    assert!(!vault.get(digest, &back, 7).unwrap() && !back.exists());
}

#[test]
fn what_is_no_directory_of_backups_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis"), "all of it").unwrap();
    assert!(Vault::open(dir.path()).unwrap_err().to_string().contains("not empty"));
    assert!(Vault::open_to_read(dir.path()).is_err());
}

#[test]
fn one_writes_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::open(dir.path()).unwrap();
    assert!(Vault::open(dir.path()).unwrap_err().to_string().contains("under way"));
    drop(vault);
    // What was broken off is no snapshot, and goes with the next.
    let vault = Vault::open(dir.path()).unwrap();
    vault.begin("1").unwrap();
    assert!(vault.snapshots().unwrap().is_empty());
    vault.begin("2").unwrap();
    assert!(!dir.path().join("snapshots/1").exists());
}

/// Flags are changed while the folder is read: each message comes once.
#[test]
fn a_message_that_changes_its_name_is_found() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["cur/1.a:2,", "cur/2.b:2,S", "new/3.c", "tmp/4.d"] {
        file(dir.path(), &format!("box/{name}"), name);
    }
    file(dir.path(), "box/.Sent/cur/5.e:2,S", "e");
    file(dir.path(), "box/posthouse-uidlist", "x");
    let tree = Tree::of(dir.path());
    let mut keys = Vec::new();
    tree.each(Path::new("box"), &mut |found| {
        let path = tree.path(&found.path);
        if path.ends_with("cur/1.a:2,") {
            fs::rename(&path, dir.path().join("box/cur/1.a:2,F")).unwrap();
        }
        if !path.exists() {
            return Ok(false);
        }
        assert_eq!(found.key, Found::key_of(&found.path));
        keys.push(found.key.to_string_lossy().into_owned());
        Ok(true)
    })
    .unwrap();
    keys.sort();
    assert_eq!(keys, ["box/.Sent/5.e", "box/1.a", "box/2.b", "box/3.c", "box/posthouse-uidlist"]);
}

#[test]
fn paths_stay_below() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("manifest");
    for (name, is_fine) in [("mail/a", true), ("../a", false), ("/a", false)] {
        let manifest = Manifest {
            head: Head::new(1, 0, Digest([0; 32])),
            entries: vec![Entry {
                path: name.into(),
                size: 1,
                modified_ms: 1,
                digest: Digest([1; 32]),
            }],
        };
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).is_ok(), is_fine, "{name}");
    }
}
