//! apk's database: records of lines `X:value`, parted by empty lines, files below the folder named last.
//! Format: apk-package(5), and the sources of apk-tools 2 and 3 for what that page leaves out.

use super::bytes::{lines, number, split_once, text};
use super::record::{Listed, bare};

/// The packages of an `installed` file.
pub fn installed(bytes: &[u8]) -> Vec<Listed> {
    let mut packages = Vec::new();
    let mut package = Listed::default();
    let mut folder: &[u8] = b"";
    for line in lines(bytes) {
        if line.is_empty() {
            keep(&mut packages, &mut package);
            folder = b"";
            continue;
        }
        let Some((&[field], value)) = split_once(line, b':') else { continue };
        let record = &mut package.record;
        match field {
            b'P' => record.name = text(value),
            b'V' => record.version = text(value),
            b'A' => record.arch = text(value),
            b'L' => record.licence = text(value),
            b'o' => record.source = text(value),
            b'm' => record.origin = text(value),
            b'I' => record.size = number(value),
            b'D' => record.wishes.depends = wishes(value),
            b'p' => record.provides = wishes(value).into_iter().flatten().collect(),
            b'F' => folder = value,
            b'R' if folder.is_empty() => package.files.push(value.to_vec()),
            b'R' => package.files.push([folder, b"/", value].concat()),
            _ => {}
        }
    }
    keep(&mut packages, &mut package);
    packages
}

fn keep(packages: &mut Vec<Listed>, package: &mut Listed) {
    let package = std::mem::take(package);
    if !package.record.name.is_empty() {
        packages.push(package);
    }
}

/// Names parted by spaces. `!name` is a conflict.
fn wishes(value: &[u8]) -> Vec<Vec<String>> {
    text(value)
        .split_ascii_whitespace()
        .filter(|wanted| !wanted.starts_with('!'))
        .map(|wanted| vec![bare(wanted).to_owned()])
        .collect()
}

/// The names that a person asked for, from `etc/apk/world`. A name may be bound to a repository: `name@edge`.
pub fn world(bytes: &[u8]) -> Vec<String> {
    let names = wishes(bytes).into_iter().flatten();
    names.map(|name| name.split('@').next().unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_files_below_folders() {
        let bytes = b"C:Q1abc=\nP:busybox\nV:1.36.1-r29\nA:x86_64\nS:509600\nI:962560\nT:Size optimized: toolbox\n\
            L:GPL-2.0-only\no:busybox\nm:A <a@b.c>\nD:so:libc.musl-x86_64.so.1 !old other>=2~3\np:cmd:busybox=1.36.1-r29 /bin/sh\n\
            F:bin\nR:busybox\na:0:0:755\nZ:Q1x=\nF:etc/udhcpc\nF:\nR:top\n\n\nP:musl\nV:1.2.5-r0\nF:lib\nR:ld-musl-x86_64.so.1\n";
        let packages = installed(bytes);
        assert_eq!(packages.len(), 2);
        let first = &packages[0];
        assert_eq!(first.record.name, "busybox");
        assert_eq!(first.record.size, Some(962_560));
        assert_eq!(first.record.wishes.depends, [["so:libc.musl-x86_64.so.1"], ["other"]]);
        assert_eq!(first.record.provides, ["cmd:busybox", "/bin/sh"]);
        assert_eq!(first.files, [b"bin/busybox".to_vec(), b"top".to_vec()]);
        assert_eq!(packages[1].files, [b"lib/ld-musl-x86_64.so.1".to_vec()]);
    }

    #[test]
    fn the_world_is_what_was_asked_for() {
        assert_eq!(
            world(b"alpine-baselayout\nbusybox>1\nfoo@edge\n!bar\n.build-deps=2026\n"),
            ["alpine-baselayout", "busybox", "foo", ".build-deps"]
        );
    }
}
