//! The distribution's packages over layers.

use layerscope::analysis::packages::{Asked, Fault, LayerBytes, PackageKind, Step, What};

use crate::common::image::Layer;
use crate::gather::named;
use crate::{deb, image};

const STATUS: &str = "var/lib/dpkg/status";

fn list(name: &str) -> String {
    format!("var/lib/dpkg/info/{name}.list")
}

/// Two packages; the first is replaced by a newer version, then removed.
fn base() -> Layer {
    Layer::new()
        .dir("usr/bin/")
        .symlink("bin", "usr/bin")
        .filled("usr/bin/tool", 1000, b'1')
        .filled("usr/share/tool/data", 400, b'd')
        .filled("usr/bin/other", 50, b'o')
        .file(STATUS, deb("tool", "1.0", "Installed-Size: 2\n") + &deb("other", "3", "Essential: yes\n"))
        .file(list("tool:amd64"), "/.\n/bin\n/bin/tool\n/usr/share\n/usr/share/tool\n/usr/share/tool/data\n")
        .file(list("other"), "/bin/other\n")
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
}

fn upgraded() -> Layer {
    Layer::new()
        .filled("usr/bin/tool", 1200, b'2')
        .whiteout("usr/share/tool/data")
        .filled("usr/share/tool/more", 70, b'm')
        .file(STATUS, deb("tool", "1.1", "") + &deb("other", "3", "Essential: yes\n"))
        .file(list("tool:amd64"), "/bin/tool\n/usr/share/tool/more\n")
}

fn removed() -> Layer {
    Layer::new()
        .whiteout("usr/bin/tool")
        .whiteout("usr/share/tool")
        .whiteout(&list("tool:amd64"))
        .file(STATUS, deb("other", "3", "Essential: yes\n"))
}

#[test]
fn a_package_has_a_story_and_bytes_in_every_layer() {
    let image = image([base(), upgraded(), removed()]);
    let packages = image.packages();
    let (_, tool) = named(&packages, "tool");
    assert_eq!(
        tool.story,
        [
            Step { layer: 0, version: "1.0".into(), what: What::Installed },
            Step { layer: 1, version: "1.1".into(), what: What::Changed { from: "1.0".into() } },
            Step { layer: 2, version: "1.1".into(), what: What::Removed },
        ]
    );
    assert_eq!(
        tool.layers,
        [LayerBytes { layer: 0, shipped: 1400, visible: 0 }, LayerBytes { layer: 1, shipped: 1270, visible: 0 },]
    );
    assert_eq!((tool.introduced(), tool.since(), tool.removed()), (Some(0), Some(1), Some(2)));
    let (_, other) = named(&packages, "other");
    assert!(other.is_installed() && other.record.essential);
    assert_eq!((other.files, other.visible(), other.shipped()), (1, 50, 50));
    assert_eq!(image.owner(&packages, "usr/bin/other"), Some("other"));
    let total = packages.totals()[&PackageKind::Deb];
    assert_eq!((total.installed, total.removed, total.shipped, total.visible), (1, 1, 2720, 50));
    assert_eq!(packages.databases[0].layers, [0, 1, 2]);
    assert_eq!(packages.unread, []);
}

#[test]
fn a_package_that_comes_back_is_the_same_package() {
    let image = image([base(), removed(), upgraded()]);
    let packages = image.packages();
    let (_, tool) = named(&packages, "tool");
    assert!(tool.is_installed());
    assert_eq!(tool.story.iter().map(|step| step.layer).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((tool.shipped(), tool.visible()), (1400 + 1270, 1270));
}

#[test]
fn what_is_put_where_a_package_was_is_not_its_own() {
    let later = Layer::new().filled("usr/bin/tool", 9, b'x').finish();
    let layers = [base().finish(), removed().finish(), later];
    let image = crate::gather::Image::read(layers.iter().map(Vec::as_slice));
    let packages = image.packages();
    assert_eq!(image.owner(&packages, "usr/bin/tool"), None);
    assert_eq!(named(&packages, "tool").1.shipped(), 1400);
    assert_eq!((packages.payload.files, packages.payload.bytes), (1, 9));
}

#[test]
fn a_deleted_database_leaves_its_packages_in_place() {
    let image = image([base(), Layer::new().whiteout("var/lib/dpkg")]);
    let packages = image.packages();
    assert_eq!(packages.databases[0].removed, Some(1));
    assert_eq!(image.owner(&packages, "usr/bin/tool"), Some("tool"));
    assert_eq!(named(&packages, "tool").1.visible(), 1400);
}

#[test]
fn files_may_come_before_their_database() {
    let files = Layer::new().filled("usr/bin/tool", 10, b't').filled("usr/bin/mine", 5, b'm');
    let database = Layer::new().file(STATUS, deb("tool", "1", "")).file(list("tool"), "/usr/bin/tool\n/usr/bin/mine\n");
    let image = image([files, Layer::new().filled("usr/bin/mine", 6, b'n'), database]);
    let packages = image.packages();
    assert_eq!(image.owner(&packages, "usr/bin/tool"), Some("tool"));
    // What was replaced before the database came is nobody's.
    assert_eq!(named(&packages, "tool").1.shipped(), 16);
}

#[test]
fn a_diverted_file_is_where_it_was_moved() {
    let layer = Layer::new()
        .filled("bin/sh", 10, b'd')
        .filled("bin/sh.distrib", 20, b'b')
        .file(STATUS, deb("bash", "5", "") + &deb("dash", "1", ""))
        .file(list("bash"), "/bin/sh\n")
        .file(list("dash"), "/bin/sh\n")
        .file("var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.distrib\ndash\n");
    let image = image([layer]);
    let packages = image.packages();
    assert_eq!(image.owner(&packages, "bin/sh"), Some("dash"));
    assert_eq!(image.owner(&packages, "bin/sh.distrib"), Some("bash"));
}

#[test]
fn a_distroless_image_has_a_file_for_each_package() {
    let sum = "0123456789abcdef0123456789abcdef";
    let first = Layer::new()
        .filled("usr/share/zoneinfo/UTC", 114, b'z')
        .file("etc/tz.conf", "x")
        .file("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a\nArchitecture: all\n")
        .file("var/lib/dpkg/status.d/tzdata.md5sums", format!("{sum}  usr/share/zoneinfo/UTC\n"));
    let second = Layer::new()
        .filled("usr/lib/libc.so.6", 500, b'c')
        .file("var/lib/dpkg/status.d/libc6", "Package: libc6\nVersion: 2.36\nArchitecture: amd64\n")
        .file("var/lib/dpkg/status.d/libc6.md5sums", format!("{sum}  usr/lib/libc.so.6\n"));
    let image = image([first, second, Layer::new().filled("app", 7, b'a')]);
    let packages = image.packages();
    assert_eq!(named(&packages, "tzdata").1.introduced(), Some(0));
    let (id, libc) = named(&packages, "libc6");
    assert_eq!((libc.introduced(), libc.visible()), (Some(1), 500));
    assert_eq!(packages.purl(id), "pkg:deb/debian/libc6@2.36?arch=amd64");
    // Such a database lists no configuration files; they are no application either.
    let places: Vec<_> = packages.payload.places.iter().map(|place| image.path(place.path)).collect();
    assert_eq!(places, ["app"]);
}

#[test]
fn apk_tells_files_and_what_was_asked_for() {
    let installed = "P:musl\nV:1.2.5-r0\nA:x86_64\nI:600\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:ld-musl-x86_64.so.1\nZ:Q1x=\n\n\
        P:curl\nV:8.5\nA:x86_64\nD:so:libc.musl-x86_64.so.1\nF:usr\nF:usr/bin\nR:curl\n\n";
    let layer = Layer::new()
        .filled("usr/lib/ld-musl-x86_64.so.1", 600, b'm')
        .symlink("lib", "usr/lib")
        .filled("usr/bin/curl", 90, b'c')
        .file("usr/lib/apk/db/installed", installed)
        .file("etc/apk/world", "curl\n")
        .file("usr/lib/os-release", "ID=alpine\nVERSION_ID=3.20.1\n");
    let image = image([layer]);
    let packages = image.packages();
    assert_eq!(image.owner(&packages, "usr/lib/ld-musl-x86_64.so.1"), Some("musl"));
    let (curl, found) = named(&packages, "curl");
    assert_eq!((found.record.asked, found.visible()), (Asked::Explicit, 90));
    let (musl, _) = named(&packages, "musl");
    assert_eq!(found.depends, [[musl]]);
    assert_eq!(packages.purl(curl), "pkg:apk/alpine/curl@8.5?arch=x86_64&distro=alpine-3.20.1");
    let goes: Vec<_> = packages.without(&[curl]).goes.into_iter().map(|(id, _)| id).collect();
    assert_eq!(goes, [curl, musl]);
}

#[test]
fn pacman_tells_files_in_a_folder_for_each_package() {
    let local = "var/lib/pacman/local/zlib-1:1.3-1";
    let layer = Layer::new()
        .filled("usr/lib/libz.so", 30, b'z')
        .file(format!("{local}/desc"), "%NAME%\nzlib\n\n%VERSION%\n1:1.3-1\n\n%ARCH%\nx86_64\n\n%REASON%\n1\n\n")
        .file(format!("{local}/files"), "%FILES%\nusr/\nusr/lib/\nusr/lib/libz.so\n");
    let image = image([layer]);
    let packages = image.packages();
    let (_, zlib) = named(&packages, "zlib");
    assert_eq!((zlib.visible(), zlib.record.asked), (30, Asked::Automatic));
}

#[test]
fn what_cannot_be_read_is_said() {
    let layer = Layer::new().file("var/lib/rpm/rpmdb.sqlite", "SQLite format 3").file("usr/lib/os-release", "ID=x\n");
    let image = image([layer]);
    let packages = image.packages();
    assert_eq!(packages.unread.len(), 1);
    assert_eq!(packages.unread[0].fault, Fault::NotOne);
    assert_eq!(image.path(packages.unread[0].path), "var/lib/rpm/rpmdb.sqlite");
}

#[test]
fn a_second_root_has_packages_of_its_own() {
    let inner = |path: &str| format!("srv/root/{path}");
    let layer = Layer::new()
        .file(inner("etc/os-release"), "ID=debian\n")
        .filled(&inner("usr/bin/tool"), 77, b't')
        .file(inner(STATUS), deb("tool", "1", ""))
        .file(inner(&list("tool")), "/usr/bin/tool\n")
        // A database without a system around it is somebody's test.
        .file(format!("app/testdata/{STATUS}"), deb("fake", "1", ""));
    let image = image([layer]);
    let packages = image.packages();
    let names: Vec<_> = packages.all().iter().map(|package| package.record.name.as_str()).collect();
    assert_eq!(names, ["tool"]);
    assert_eq!(image.path(packages.all()[0].root), "srv/root");
    assert_eq!(packages.all()[0].visible(), 77);
}

#[test]
fn programs_that_no_package_owns_are_told() {
    let copied = Layer::new().mode(0o755).filled("usr/local/bin/helm", 40, b'h').filled("usr/bin/jq", 30, b'j');
    let image = image([base(), copied.mode(0o644).filled("opt/app/main.py", 20, b'p').filled("usr/bin/note", 3, b'n')]);
    let packages = image.packages();
    let mut programs: Vec<_> = packages.payload.programs.iter().map(|one| (image.path(one.path), one.layer)).collect();
    programs.sort();
    assert_eq!(programs, [("usr/bin/jq".to_owned(), 1), ("usr/local/bin/helm".to_owned(), 1)]);
    let places: Vec<_> = packages.payload.places.iter().map(|one| (image.path(one.path), one.bytes)).collect();
    assert_eq!(
        places,
        [
            ("usr/local".to_owned(), 40),
            ("usr/bin/jq".to_owned(), 30),
            ("opt".to_owned(), 20),
            ("usr/bin/note".to_owned(), 3)
        ]
    );
    assert_eq!(packages.payload.bytes, 93);
}

/// A file of a distroless image that could not be read says nothing of its package.
#[test]
fn what_is_not_read_did_not_go() {
    let part = |name: &str| format!("var/lib/dpkg/status.d/{name}");
    let first = Layer::new().file(part("a"), "Package: a\nVersion: 1\n").file(part("b"), "Package: b\nVersion: 1\n");
    // A file of 5 MiB is no paragraph, and is not kept.
    let second = Layer::new().filled(&part("a"), 5 << 20, b'x').file(part("c"), "Package: c\nVersion: 1\n");
    let image = image([first, second]);
    let packages = image.packages();
    assert!(named(&packages, "a").1.is_installed() && named(&packages, "c").1.is_installed());
    assert_eq!(packages.unread.iter().map(|one| (one.layer, one.fault)).collect::<Vec<_>>(), [(1, Fault::NotKept)]);
}

#[test]
fn a_whiteout_of_nothing_is_no_database() {
    let image = image([Layer::new().filled("app", 9, b'a').whiteout("var/lib/dpkg/status")]);
    assert_eq!(image.packages().databases, []);
}
