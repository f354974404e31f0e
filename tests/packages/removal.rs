//! What goes together, by hand.

use layerscope::analysis::packages::{PackageId, Packages, Reason, Why};

use crate::common::image::Layer;
use crate::gather::{Image, named};
use crate::{deb, image};

/// Packages as dpkg and apt know them; each owns one file of as many bytes as stand beside it.
fn installed(packages: &[(&str, &str, usize)], automatic: &[&str]) -> Image {
    let status: String = packages.iter().map(|(name, more, _)| deb(name, "1", more)).collect();
    let mark = |name: &&str| format!("Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n");
    let marks = automatic.iter().map(mark).collect::<Vec<_>>().concat();
    let layer = Layer::new().file("var/lib/dpkg/status", status).file("var/lib/apt/extended_states", marks);
    let layer = packages.iter().fold(layer, |layer, (name, _, size)| {
        layer
            .filled(&format!("usr/lib/{name}"), *size, b'x')
            .file(format!("var/lib/dpkg/info/{name}.list"), format!("/usr/lib/{name}\n"))
    });
    image([layer])
}

fn goes(packages: &Packages, names: &[&str]) -> Vec<(String, Reason)> {
    let asked: Vec<PackageId> = names.iter().map(|name| named(packages, name).0).collect();
    let goes = packages.without(&asked).goes;
    goes.into_iter().map(|(id, reason)| (packages.get(id).record.name.clone(), reason)).collect()
}

#[test]
fn what_needs_it_goes_and_then_what_nothing_needs() {
    let image = installed(
        &[
            ("git", "Depends: libcurl, perl | raku\nRecommends: less\n", 100),
            ("libcurl", "", 20),
            ("less", "", 3),
            ("perl", "", 50),
            ("raku", "", 60),
            ("git-lfs", "Depends: git (>= 2)\n", 7),
            ("keeper", "Depends: perl\n", 1),
            ("old", "", 9),
        ],
        &["libcurl", "less", "perl", "raku", "old"],
    );
    let packages = image.packages();
    let (git, _) = named(&packages, "git");
    let told = goes(&packages, &["git"]);
    assert_eq!(
        told,
        [
            ("git".into(), Reason::Asked),
            ("git-lfs".into(), Reason::Needs(git)),
            ("libcurl".into(), Reason::Unneeded),
            ("less".into(), Reason::Unneeded),
            ("raku".into(), Reason::Unneeded),
            ("old".into(), Reason::Leftover),
        ]
    );
    assert_eq!(packages.without(&[git]).bytes, 100 + 7 + 20 + 3 + 60 + 9);
    // One of two alternatives is not enough to break it, both are.
    assert!(!goes(&packages, &["raku"]).iter().any(|(name, _)| name == "git"));
    assert!(goes(&packages, &["raku", "perl"]).iter().any(|(name, _)| name == "git"));
    assert_eq!(packages.unneeded().bytes, 9);
}

#[test]
fn recommendations_alone_are_told_with_what_they_pull_in() {
    let image = installed(
        &[
            ("app", "Depends: lib\nRecommends: extra | other\n", 10),
            ("lib", "Suggests: hint\n", 1),
            ("extra", "Depends: extra-lib, lib\n", 200),
            ("extra-lib", "", 30),
            ("hint", "", 4),
            ("virtual-answer", "Provides: mail-agent (= 1)\n", 5),
            ("mailer", "Recommends: mail-agent\n", 6),
        ],
        &["lib", "extra", "extra-lib", "hint", "virtual-answer"],
    );
    let only = image.packages().recommends_only();
    let packages = image.packages();
    let names: Vec<_> = only.goes.iter().map(|(id, _)| packages.get(*id).record.name.as_str()).collect();
    assert_eq!(names, ["extra", "extra-lib", "virtual-answer"]);
    assert_eq!(only.bytes, 235);
}

/// dpkg's priority keeps a package from being cleaned up; it does not mean that it came by itself.
#[test]
fn a_required_package_may_be_there_by_recommendation() {
    let image = installed(
        &[
            ("app", "Recommends: locale\n", 1),
            ("locale", "Priority: required\n", 2),
            ("init", "Priority: required\n", 4),
        ],
        &["locale", "init"],
    );
    let packages = image.packages();
    assert_eq!(packages.recommends_only().bytes, 2);
    assert_eq!(packages.unneeded().bytes, 0);
}

#[test]
fn without_marks_nothing_is_known_to_be_automatic() {
    let status = deb("a", "1", "Recommends: b\n") + &deb("b", "1", "");
    let image = image([Layer::new().file("var/lib/dpkg/status", status)]);
    let packages = image.packages();
    assert_eq!((packages.recommends_only().goes.len(), packages.unneeded().goes.len()), (0, 0));
}

#[test]
fn the_way_to_a_package_is_told() {
    let image = installed(
        &[
            ("app", "Depends: lib\nRecommends: extra\n", 1),
            ("lib", "Depends: deep\nSuggests: hint\n", 1),
            ("deep", "", 1),
            ("extra", "Depends: extra-lib, deep\n", 1),
            ("extra-lib", "", 1),
            ("hint", "", 1),
            ("old", "Depends: old-lib\n", 1),
            ("old-lib", "Depends: old\n", 1),
        ],
        &["lib", "deep", "extra", "extra-lib", "hint", "old", "old-lib"],
    );
    let packages = image.packages();
    let [app, lib, extra] = ["app", "lib", "extra"].map(|name| named(&packages, name).0);
    let why = |name: &str| packages.why(named(&packages, name).0);
    assert_eq!(why("app"), Why::Itself);
    assert_eq!(why("deep"), Why::Needed(vec![app, lib]));
    assert_eq!(why("extra-lib"), Why::Recommended(vec![app, extra]));
    assert_eq!(why("hint"), Why::Suggested(vec![app, lib]));
    assert_eq!(why("old-lib"), Why::Leftover);
    assert_eq!(packages.needed_by(named(&packages, "deep").0), [lib, extra]);
    assert_eq!(packages.recommended_by(extra), [app]);
}
