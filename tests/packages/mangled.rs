//! Databases that anybody may have written: whatever stands in them, packages are read or said to be unreadable.

use proptest::prelude::*;

use crate::common::image::Layer;
use crate::deb;
use crate::gather::Image;

/// Files that tell of packages, with contents that reach deep into each reader.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut header = Vec::new();
    // Two tags: the name, and the paths' folders.
    for number in [2_u32, 24, 1000, 6, 0, 1, 1117, 8, 5, 2] {
        header.extend(number.to_be_bytes());
    }
    header.extend(b"zlib\0libz.so\0README.md\0\0\0");
    let mut ndb = Vec::new();
    for number in [0, 1, 1, 0] {
        ndb.extend(u32::to_le_bytes(number));
    }
    let mut ndb = [b"RpmP".as_slice(), &ndb, &[0; 12]].concat();
    ndb.extend(b"Slot");
    for number in [1_u32, 256, 5] {
        ndb.extend(number.to_le_bytes());
    }
    ndb.resize(4096, 0);
    ndb.extend(b"BlbS");
    for number in [1, 0, u32::try_from(header.len()).unwrap()] {
        ndb.extend(number.to_le_bytes());
    }
    ndb.extend(&header);
    let mut berkeley = vec![0; 1024];
    berkeley[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
    berkeley[20..24].copy_from_slice(&512_u32.to_le_bytes());
    berkeley[25] = 8;
    berkeley[32] = 1;
    berkeley[512 + 20] = 2;
    berkeley[512 + 25] = 13;
    berkeley[512 + 26..512 + 30].copy_from_slice(&[0xf0, 1, 100, 0]);
    berkeley[512 + 100] = 1;
    berkeley[512 + 101..512 + 101 + header.len()].copy_from_slice(&header);
    let mut sqlite = vec![0; 1024];
    sqlite[..18].copy_from_slice(b"SQLite format 3\0\x02\0");
    sqlite[100] = 13;
    sqlite[104] = 1;
    sqlite[108..110].copy_from_slice(&400_u16.to_be_bytes());
    let row = b"\x20\x01\x06\x17\x1d\x1d\x01\x0dtablePackagesPackages\x02";
    sqlite[400..400 + row.len()].copy_from_slice(row);
    sqlite[512] = 13;
    sqlite[516] = 1;
    sqlite[520..522].copy_from_slice(&100_u16.to_be_bytes());
    // The type of a value is its length doubled and twelve, in seven bits a byte.
    let kind = 12 + header.len() * 2;
    let [high, low] = [kind >> 7, kind & 0x7f].map(|part| u8::try_from(part).unwrap());
    let row = [&[u8::try_from(header.len() + 4).unwrap(), 1, 4, 0, high | 0x80, low][..], &header].concat();
    sqlite[612..612 + row.len()].copy_from_slice(&row);
    vec![
        ("var/lib/dpkg/status", deb("tool", "1", "Depends: a | b, c\nProvides: x\n Recommends: d\n").into_bytes()),
        ("var/lib/dpkg/info/tool.list", b"/.\n/usr/bin/tool\n/usr/../../../x\n".to_vec()),
        ("var/lib/dpkg/diversions", b"/usr/bin/tool\n/usr/bin/tool.real\nother\n".to_vec()),
        ("var/lib/apt/extended_states", b"Package: tool\nArchitecture: amd64\nAuto-Installed: 1\n".to_vec()),
        ("lib/apk/db/installed", b"P:musl\nV:1\nD:so:x>1 !y\np:cmd:z=1\nF:lib\nR:a\n\n".to_vec()),
        ("var/lib/pacman/local/z-1/desc", b"%NAME%\nz\n\n%VERSION%\n1\n\n%DEPENDS%\na>=1\n".to_vec()),
        ("var/lib/pacman/local/z-1/files", b"%FILES%\nusr/lib/z\n".to_vec()),
        ("var/lib/rpm/Packages", berkeley),
        ("var/lib/rpm/Packages.db", ndb),
        ("var/lib/rpm/rpmdb.sqlite", sqlite),
        ("var/lib/rpm/rpmdb.sqlite-wal", vec![0x37, 0x7f, 6, 0x82, 0, 0, 0, 0, 0, 0, 2, 0]),
        ("var/lib/rpmmanifest/container-manifest-2", b"a\t1\t2\t3\tv\t(none)\t9\tx\t0\ta-1-1.src.rpm\n".to_vec()),
        ("l/site-packages/f-1.dist-info/METADATA", b"Name: f\nVersion: 1\n\n".to_vec()),
        ("l/site-packages/f-1.dist-info/RECORD", b"f.py,,\n\"a,\"\"b\",,\n../../x,,\n".to_vec()),
        ("n/node_modules/a/package.json", br#"{"name":"a","version":"1","license":{"type":"MIT"}}"#.to_vec()),
        ("g/specifications/rack-3.0.gemspec", b"# stub: rack 3.0 ruby lib\n".to_vec()),
        ("p/vendor/composer/installed.json", br#"[{"name":"a/b","version":"1"}]"#.to_vec()),
        (
            "d/App.deps.json",
            br#"{"targets":{"n":{"S/1":{"runtime":{"l/S.dll":{}}}}},"libraries":{"S/1":{"type":"package"}}}"#.to_vec(),
        ),
        ("etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\n".to_vec()),
        (
            "app/x.jar",
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x14\0\0\0META-INF/MANIFEST.MFa: b\n"
                .repeat(12),
        ),
        (
            "app/run",
            [b"\x7fELF".as_slice(), &[0; 600], b"\xff Go buildinf:\x08\x02", &[0; 16], b"\x03go1\x22", &[b'x'; 40]]
                .concat(),
        ),
    ]
}

fn read(files: &[(&str, Vec<u8>)]) -> usize {
    let layer = files.iter().fold(Layer::new().mode(0o755), |layer, (path, bytes)| layer.file(path, bytes));
    let tar = layer.filled("usr/bin/tool", 10, b't').finish();
    let image = Image::read([&tar[..], &tar[..]]);
    let packages = image.packages();
    let all: Vec<_> = packages.ids().collect();
    assert!(packages.without(&all).goes.len() <= all.len());
    assert!(packages.recommends_only().goes.len() <= all.len());
    assert!(all.iter().all(|id| packages.purl(*id).starts_with("pkg:")));
    packages.all().len()
}

#[test]
fn every_reader_is_reached() {
    let all = files();
    // Each database in turn is gone, and with it at least its package; one that only adds to another is not counted.
    let whole = read(&all);
    for (place, (path, _)) in all.iter().enumerate() {
        let adds = ["list", "diversions", "states", "files", "wal", "RECORD", "release", "Packages", "Packages.db"];
        if adds.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let mut rest = all.clone();
        rest.remove(place);
        // rpm's formats stand in for each other.
        if path.contains("lib/rpm/") {
            rest.retain(|(path, _)| !path.contains("lib/rpm"));
        }
        if path.contains("rpmmanifest") {
            continue;
        }
        assert!(read(&rest) < whole, "{path} tells nothing");
    }
    for one in [
        "var/lib/rpm/Packages",
        "var/lib/rpm/Packages.db",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpmmanifest/container-manifest-2",
    ] {
        let only: Vec<_> = all.iter().filter(|(path, _)| *path == one).cloned().collect();
        assert_eq!(read(&only), 1, "{one}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_bytes_come(changes in prop::collection::vec((0..21_usize, any::<prop::sample::Index>(), any::<u8>()), 1..60), cut in any::<prop::sample::Index>()) {
        let mut all = files();
        for (file, at, byte) in &changes {
            let bytes = &mut all[*file].1;
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        let (file, _, _) = changes[0];
        let length = cut.index(all[file].1.len());
        all[file].1.truncate(length);
        read(&all);
    }
}
