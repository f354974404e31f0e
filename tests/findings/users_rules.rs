//! Rules of a user's own.

use crate::common::image::Layer;
use crate::common::program::run;
use crate::{clean_config, image, of, report_with};

#[test]
fn a_users_rules_find_and_are_refused_when_broken() {
    let layer = Layer::new().filled("srv/a.bak", 2000, 1).filled("srv/b.bak", 10, 2).file("srv/c", "x");
    let tar = image(&clean_config(), vec![("COPY . / # buildkit", Some(layer))]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let rule = "[[rule]]\nid = 'OWN-BACKUP'\ntitle = 'a backup'\nseverity = 'medium'\npaths = ['srv/*.bak']\nmin-bytes = 1000\n";
    std::fs::write(file.path(), rule).unwrap();
    let report = report_with(&tar, &["--rules", file.path().to_str().unwrap()]);
    let found = of(&report, "OWN-BACKUP");
    assert_eq!(found.iter().map(|finding| finding["path"].as_str().unwrap()).collect::<Vec<_>>(), ["/srv/a.bak"]);
    assert!(of(&report_with(&tar, &[]), "OWN-BACKUP").is_empty());
    let rule = "[[rule]]\nid = 'OWN-WORD'\ntitle = 'a word'\nseverity = 'low'\npaths = ['srv/*']\nkeywords = ['x']\n";
    std::fs::write(file.path(), rule).unwrap();
    let report = report_with(&tar, &["--rules", file.path().to_str().unwrap()]);
    let found = of(&report, "OWN-WORD");
    assert_eq!(found.iter().map(|finding| finding["path"].as_str().unwrap()).collect::<Vec<_>>(), ["/srv/c"]);
    std::fs::write(file.path(), "[[rule]]\nid = 'X'\n").unwrap();
    let ran = run(&["demo", "--rules", file.path().to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("missing field"), "{}", ran.stderr);
}
