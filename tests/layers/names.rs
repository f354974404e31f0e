//! Names: long ones, those that are no text, those that could drive a terminal or lead out of the root.

use super::{paths, report, versions};
use crate::common::archives::read_stdin;
use crate::common::image::{Layer, docker_archive, pax_record};
use crate::common::program::run_with_stdin;
use tar::EntryType;

#[test]
fn long_names_in_each_dialect() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(255));
    let gnu = Layer::new().file(&long, "gnu").finish();
    let pax = Layer::new().pax(&[("path", long.as_bytes())]).file("short", "pax!").finish();
    // The prefix of a ustar header.
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(5);
    header.as_ustar_mut().unwrap().prefix[..120].fill(b'd');
    header.as_old_mut().name.fill(b'f');
    header.set_cksum();
    let ustar = Layer::new().raw(header, b"ustar").finish();
    let report = report(&[gnu, pax, ustar]);
    let sizes: Vec<_> = versions(&report, &format!("/{long}")).iter().map(|version| version["size"].as_u64()).collect();
    assert_eq!(sizes, [Some(3), Some(4)]);
    assert_eq!(versions(&report, &format!("/{}/{}", "d".repeat(120), "f".repeat(100)))[0]["size"], 5);
    assert_eq!(report["files"].as_array().unwrap().len(), 3, "the folder is one");
}

#[test]
fn long_targets_in_each_dialect() {
    let long = "t".repeat(300);
    let mut header = Layer::new().header(EntryType::GNULongLink, 301);
    header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
    header.set_cksum();
    let layer = Layer::new()
        .raw(header, format!("{long}\0").as_bytes())
        .symlink("gnu", "cut")
        .pax(&[("linkpath", long.as_bytes())])
        .symlink("pax", "cut")
        .symlink("after", "own")
        .finish();
    let report = report(&[layer]);
    for (path, target) in [("/gnu", &*long), ("/pax", &*long), ("/after", "own")] {
        assert_eq!(versions(&report, path)[0]["linkTarget"], target);
    }
}

#[test]
fn a_record_counts_for_one_entry_and_wins_over_gnus() {
    let layer = Layer::new()
        .pax(&[("path", b"by-pax"), ("uid", b"2000000"), ("gid", b"7"), ("mtime", b"1350244992.5"), ("mode", b"1")])
        .file("x".repeat(150), "abc")
        .file("next", "d")
        .finish();
    let report = report(&[layer]);
    let version = &versions(&report, "/by-pax")[0];
    assert_eq!((&version["uid"], &version["gid"]), (&2_000_000.into(), &7.into()));
    assert_eq!((&version["mtime"], &version["mode"]), (&1_350_244_992.into(), &"0644".into()));
    assert_eq!(versions(&report, "/next")[0]["uid"], 0);
    assert_eq!(paths(&report), ["/by-pax", "/next"]);
}

#[test]
fn a_value_is_read_by_its_length_and_hides_no_record() {
    let capability = b"\x01\x00\x00\x02\x0a\x20\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00";
    let layer = Layer::new()
        .pax(&[
            ("SCHILY.xattr.security.capability", capability),
            ("comment", b"x\n22 linkpath=/etc/evil\n18 path=/smuggled\n"),
        ])
        .file("ping", "elf")
        .pax(&[("comment", b"x\n22 linkpath=/etc/evil\n")])
        .symlink("link", "honest")
        .finish();
    // One byte of the value is another: that is a change of the attribute and of nothing else.
    let mut other = *capability;
    other[4] = 0x0b;
    let change = Layer::new().pax(&[("SCHILY.xattr.security.capability", &other)]).file("ping", "elf").finish();
    let report = report(&[layer, change]);
    assert_eq!(paths(&report), ["/link", "/ping"]);
    assert_eq!(versions(&report, "/link")[0]["linkTarget"], "honest");
    let ping = versions(&report, "/ping");
    assert_eq!(ping[0]["xattrs"], serde_json::json!(["security.capability"]));
    assert_eq!((&ping[1]["state"], &ping[1]["differs"]), (&"rewritten".into(), &serde_json::json!(["xattr"])));
}

#[test]
fn global_headers_say_nothing_of_an_entry() {
    let layer = Layer::new()
        .pax_global(&[("comment", b"0123456789abcdef"), ("path", b"everywhere"), ("size", b"9")])
        .file("a", "x")
        .file("b", "y")
        .finish();
    let report = report(std::slice::from_ref(&layer));
    assert_eq!(paths(&report), ["/a", "/b"]);
    assert_eq!(report["totals"]["shippedBytes"], 2);
    let text = run_with_stdin(&["-"], &docker_archive(&[layer])).stdout;
    assert!(text.contains("layer 0: 1 PAX global header ignored, as engines do"), "{text}");
}

#[test]
fn names_that_are_no_plain_text_are_escaped_everywhere() {
    let names: [(&[u8], &str); 6] = [
        (b"latin-\xe9", "/latin-\\xe9"),
        (b"new\nline", "/new\\nline"),
        (b"esc\x1b[31m", "/esc\\u{1b}[31m"),
        ("exe\u{202e}gpj".as_bytes(), "/exe\\u{202e}gpj"),
        (b"tab\tnul", "/tab\\tnul"),
        ("gr\u{fc}n".as_bytes(), "/gr\u{fc}n"),
    ];
    let fill = |byte: u8| names.iter().fold(Layer::new(), |layer, (name, _)| layer.file(name, vec![byte; 20])).finish();
    let tar = docker_archive(&[fill(1), fill(2)]);
    let report = report(&[fill(1), fill(2)]);
    for (_, shown) in names {
        assert_eq!(versions(&report, shown).len(), 2, "{shown}");
    }
    let json = read_stdin(&tar, &[]).stdout;
    let text = run_with_stdin(&["-", "--ci"], &tar).stdout;
    for (_, shown) in names {
        assert!(text.contains(&format!("  {shown}\n")), "{shown} is no line of {text}");
    }
    for output in [json, text] {
        assert!(!output.contains(['\u{1b}', '\u{202e}', '\t', '\r']), "{output}");
    }
    // Names that differ only in bytes that are no text stay two.
    let two = super::report(&[Layer::new().file(b"\xe9", "1").file(b"\xe8", "22").file(b"\xff", "333").finish()]);
    assert_eq!(paths(&two), ["/\\xe8", "/\\xe9", "/\\xff"]);
}

#[test]
fn a_target_and_a_command_are_escaped_too() {
    let layer = Layer::new().symlink("link", "a\u{1b}[2Jb").finish();
    assert_eq!(versions(&report(&[layer]), "/link")[0]["linkTarget"], "a\\u{1b}[2Jb");
}

#[test]
fn spellings_of_a_path() {
    let base =
        Layer::new().dir("./").dir("./etc/").file("./etc/a", "1").file("/etc/b", "22").file("etc//c", "333").finish();
    let next = Layer::new().file("etc/a", "1111").file("./etc/./b", "22222").file("//etc/c", "333333").finish();
    let report = report(&[base, next]);
    for (path, sizes) in [("/etc/a", [1, 4]), ("/etc/b", [2, 5]), ("/etc/c", [3, 6])] {
        let found: Vec<_> = versions(&report, path).iter().map(|version| version["size"].as_u64().unwrap()).collect();
        assert_eq!(found, sizes, "{path}");
    }
    assert_eq!(paths(&report), ["/etc", "/etc/a", "/etc/b", "/etc/c"]);
    assert_eq!(report["totals"]["replacedBytes"], 6);
}

#[test]
fn steps_out_of_the_root_stay_inside() {
    let layer = Layer::new().file("../../etc/passwd", "x").file("a/../b", "yy").file("..", "").finish();
    let report = report(std::slice::from_ref(&layer));
    assert_eq!(paths(&report), ["/b", "/etc", "/etc/passwd"]);
    let text = run_with_stdin(&["-"], &docker_archive(&[layer])).stdout;
    assert!(text.contains("layer 0: 4 names with '..', kept inside the root"), "{text}");
}

#[test]
fn parents_that_nobody_lists() {
    let report = report(&[Layer::new().file("a/b/c/d", "x").finish(), Layer::new().file("a/b/e", "y").finish()]);
    assert_eq!(paths(&report), ["/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/e"]);
    assert_eq!(versions(&report, "/a/b")[0]["kind"], "folder");
    assert_eq!(report["totals"]["entries"], 2);
    assert_eq!(report["layers"][1]["changes"]["changed"], 0);
}

#[test]
fn a_record_with_a_key_that_is_no_text() {
    let mut body = pax_record(b"SCHILY.xattr.user.\xff\n", b"1");
    body.extend(pax_record(b"path", b"named"));
    let mut header = Layer::new().header(EntryType::XHeader, body.len() as u64);
    header.as_old_mut().name[0] = b'p';
    header.set_cksum();
    let report = report(&[Layer::new().raw(header, &body).file("x", "1").finish()]);
    assert_eq!(versions(&report, "/named")[0]["xattrs"], serde_json::json!(["user.\\xff\\n"]));
}
