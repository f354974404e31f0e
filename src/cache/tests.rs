//! The cache under damage, under its limit, and under several writers.

use std::time::Duration;

use super::*;

fn cache(limit: u64) -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().join("deep/layerscope"), limit);
    (folder, cache)
}

fn keep(cache: &Cache, key: &Key, pieces: &[&[u8]], hashes: &[(u64, u128)]) {
    let mut draft = cache.begin().unwrap();
    for piece in pieces {
        draft.entries(piece).unwrap();
        draft.pause().unwrap();
    }
    draft.keep(key, &Summary { entries: 3, bytes: 9, ..Summary::default() }, hashes).unwrap();
}

fn all(found: &Found) -> (Vec<Vec<u8>>, Vec<(u64, u128)>) {
    let (mut pieces, mut hashes) = (Vec::new(), Vec::new());
    let read = found.read(|piece| {
        match piece {
            Piece::Entries(piece) | Piece::Bytes(piece) => pieces.push(piece.to_vec()),
            Piece::Hashes(found) => hashes = found,
        }
        Some(())
    });
    assert_eq!(read, Some(()));
    (pieces, hashes)
}

#[test]
fn what_is_kept_comes_back() {
    let (_folder, cache) = cache(LIMIT);
    let key = Key::layer("sha256:1");
    assert!(cache.find(&key).is_none() && !cache.has(&key));
    keep(&cache, &key, &[b"one", b"two"], &[(512, 7), (90_000, u128::MAX)]);
    let found = cache.find(&key).unwrap();
    assert_eq!(found.summary().entries, 3);
    assert_eq!(all(&found), (vec![b"one".to_vec(), b"two".to_vec()], vec![(512, 7), (90_000, u128::MAX)]));
    assert_eq!(cache.held().layers, 1);
    // The same text as another kind of thing is another thing.
    assert!(cache.find(&Key::place("sha256:1")).is_none());
    drop(cache.begin().unwrap());
    assert_eq!(fs::read_dir(cache.folder()).unwrap().count(), 1);
}

#[test]
fn damage_anywhere_is_a_miss() {
    let (_folder, cache) = cache(LIMIT);
    let key = Key::layer("sha256:1");
    keep(&cache, &key, &[b"some entries", b"and more"], &[(1, 2)]);
    let path = cache.folder().join(&key.name);
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert!(cache.find(&key).is_none(), "byte {place} changed");
        fs::write(&path, &whole[..place]).unwrap();
        assert!(cache.find(&key).is_none(), "cut at byte {place}");
    }
    fs::write(&path, [&whole[..], &whole[..]].concat()).unwrap();
    assert!(cache.find(&key).is_none());
    // One layer's file under another's name, as a collision or a careless copy would have it.
    let other = Key::layer("sha256:2");
    fs::write(cache.folder().join(&other.name), &whole).unwrap();
    assert!(cache.find(&other).is_none());
    fs::write(&path, &whole).unwrap();
    assert!(cache.find(&key).is_some());
}

#[test]
fn the_least_recently_used_goes_first() {
    let (_folder, cache) = cache(3000);
    let keys: Vec<Key> = (0..4).map(|number| Key::layer(&number.to_string())).collect();
    for (age, key) in (0..).zip(&keys) {
        keep(&cache, key, &[&[0; 900]], &[]);
        let file = File::options().write(true).open(cache.folder().join(&key.name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(1000 - age)).unwrap();
    }
    assert!(cache.find(&keys[0]).is_some(), "and by that it is used");
    fs::write(cache.folder().join("somebody's"), "own").unwrap();
    assert_eq!(cache.prune().unwrap().files, 2);
    let left: Vec<bool> = keys.iter().map(|key| cache.has(key)).collect();
    assert_eq!(left, [true, false, false, true]);
    assert_eq!(cache.clear().unwrap().files, 2);
    assert_eq!(cache.held(), Held::default());
    assert!(cache.folder().join("somebody's").exists());
}

#[test]
fn many_writers_of_one_key_leave_one_whole_file() {
    let (_folder, cache) = cache(LIMIT);
    let key = Key::layer("sha256:1");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    keep(&cache, &key, &[&[1; 5000]], &[]);
                    assert!(cache.find(&key).is_some());
                }
            });
        }
    });
    assert_eq!(fs::read_dir(cache.folder()).unwrap().count(), 1);
}

#[test]
fn the_folder_is_the_user_s() {
    let at = |known: &'static [(&str, &str)]| {
        folder(|name| known.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    };
    assert_eq!(at(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Some("/c/layerscope".into()));
    assert_eq!(at(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]), Some("/h/.cache/layerscope".into()));
    assert_eq!(at(&[]), None);
}
