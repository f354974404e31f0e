//! Findings and packages: seen, told, thought away, and led from to the files and back.

use super::super::app::{Effect, Screen};
use super::Sitting;
use super::images::{Layer, image};

/// An image with a database of packages: `tool` needs `lib`, which nothing else needs.
fn with_packages() -> Sitting {
    let status = "Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
                  Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\nDepends: lib\n\n";
    let extended = "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\n";
    let layer = Layer::new()
        .file("etc/os-release", b"ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", status.as_bytes())
        .file("var/lib/apt/extended_states", extended.as_bytes())
        .file("var/lib/dpkg/info/lib.list", b"/.\n/usr\n/usr/lib\n/usr/lib/lib.so\n")
        .file("var/lib/dpkg/info/tool.list", b"/.\n/usr\n/usr/bin\n/usr/bin/tool\n")
        .filled("usr/lib/lib.so", 5000, b'l')
        .filled("usr/bin/tool", 3000, b't')
        .filled("opt/mine", 100, b'm')
        .finish();
    Sitting::of(image(&[layer]))
}

#[test]
fn findings_come_in_groups_under_what_an_attacker_finds() {
    let mut sitting = Sitting::demo();
    sitting.press("2").expect(&[
        "What an attacker finds · grade D",
        "curl",
        "▾ Secrets",
        "▾ Waste",
        "/app/.env",
        "2 → 7",
    ]);
    sitting.press("<space>").expect(&["▸ Secrets"]).expect_none(&["/app/.env"]);
    sitting.press("<space>j").expect(&["secret in a file of variables", "Rotate it first"]);
    sitting.press("s").expect(&["sorted by bytes"]).expect_none(&["▾ Secrets"]);
    assert_eq!(sitting.app.chosen_finding().unwrap().rule.id, "SEC-DOTENV", "the cursor stays on its finding");
}

#[test]
fn from_a_finding_to_its_file_and_back() {
    let mut sitting = Sitting::demo();
    sitting.press("+2j<enter>").expect(&["Files · layer 2 only"]);
    assert_eq!((sitting.app.screen, sitting.at().as_str()), (Screen::Files, "app/.env"), "whatever was left out");
    sitting.expect(&["● .env", "COPY . /app  ● 1 secret"]);
    sitting.press("<esc>").expect(&["[2 Findings"]);
    assert_eq!(sitting.app.chosen_finding().unwrap().rule.id, "SEC-DOTENV");
    sitting.press("<esc>");
    assert_eq!(sitting.app.screen, Screen::Files);
}

#[test]
fn a_finding_has_a_page_and_a_fix_to_copy() {
    let mut sitting = Sitting::demo();
    sitting.press("2/downloader<enter>j").press("w");
    sitting.expect(&["downloader", "severity", "layer 1: apt-get update", "RSK-DOWNLOAD", "fingerprint"]);
    sitting.press("<esc>c");
    assert!(matches!(&sitting.effects[..], [Effect::Copy(fix)] if fix.starts_with("RUN apt-get update")));
}

#[test]
fn what_is_thought_away_is_taken_off_at_once() {
    let mut sitting = Sitting::demo();
    sitting.press("2/shipped, then deleted<enter>j").expect(&["850.0 kB"]);
    sitting.press("<space>").expect(&["without what is marked: 7.8 MB, hidden 1.7 MB", "✗"]);
    sitting.press("k<space>").expect_none(&["what is marked"]);
}

#[test]
fn no_byte_is_thought_away_twice() {
    let mut sitting = Sitting::demo();
    let shipped = 8_625_213;
    sitting.press("}").walk_to("var/lib/apt/lists").press("x").expect(&["✗", "→ 7.8 MB"]);
    assert_eq!(sitting.app.then.unwrap().shipped, shipped - 850_000);
    sitting.press("2/shipped, then deleted<enter>jx");
    assert_eq!(sitting.app.then.unwrap().shipped, shipped - 850_000, "the finding is about the same files");
    sitting.press("X").expect_none(&["→ 7.8 MB"]);
    assert_eq!(sitting.app.then, None);
    let mut packages = with_packages();
    packages.press("3x").press("1").walk_to("usr").press("x");
    let then = packages.app.then.unwrap();
    let whole = packages.app.image.as_ref().unwrap().account.total.shipped;
    assert_eq!(whole - then.shipped, 8000, "the folder holds what the packages own");
}

#[test]
fn the_matrix_follows_what_is_thought_away() {
    let mut sitting = Sitting::demo();
    sitting.press("2/downloader<enter>");
    let yours = |sitting: &Sitting| sitting.lines()[usize::from(sitting.line_of("│yours"))].clone();
    assert!(yours(&sitting).contains("curl"));
    sitting.press("j<space>");
    assert!(!yours(&sitting).contains("curl") && yours(&sitting).contains("gcc"), "{}", yours(&sitting));
}

#[test]
fn packages_are_told_with_why_they_are_there_and_what_goes_with_them() {
    let mut sitting = with_packages();
    sitting.press("3").expect(&[
        "Packages · 2 packages · 8.0 kB",
        "deb",
        "5.0 kB",
        "lib 1",
        "needed by tool",
        "tool 2",
    ]);
    sitting.press("s").expect(&["sorted by name"]).press("gg");
    sitting.press("j<space>").expect(&["2 packages would go, 8.0 kB", "✗", "−"]);
    sitting.press("G<space>").expect_none(&["would go"]);
    sitting
        .press("/lib")
        .expect(&["1 shown"])
        .press("<enter>w")
        .expect(&["pkg:deb/debian/lib@1", "without it 8.0 kB would go"]);
    sitting.press("<esc><esc>/lib<enter><enter>").expect(&["Files · layer 0 only"]);
    assert_eq!(sitting.at(), "usr/lib/lib.so");
    sitting
        .press("w")
        .expect(&["package       deb lib 1", "needed by tool"])
        .press("<esc><esc>")
        .expect(&["[3 Packages"]);
}

#[test]
fn the_tree_is_filtered_by_who_owns_what() {
    let mut sitting = with_packages();
    sitting.press("/owner:none mine").expect(&["1 shown"]);
    sitting.press("<ctrl-u>owner:tool is:file").expect(&["1 shown", "tool"]);
    sitting.press("<ctrl-u>owner:none lib.so").expect(&["0 shown"]);
    let mut demo = Sitting::demo();
    demo.press("}}/is:secret").expect(&["1 shown", ".env"]);
    demo.press("<esc>").expect(&["● 1 secret"]);
}
