//! What filters find, asked of the demo.

use super::super::projection::{Projection, State, View};
use super::super::query::{Query, Seen, Spelling};
use super::demo;
use crate::index::PathId;

/// Paths of the demo that fit, with what all its layers do.
fn found(text: &str) -> Vec<String> {
    let image = demo();
    let (index, stack) = (&image.loaded.index, &image.loaded.stack);
    let last = u32::try_from(stack.slots().len() - 1).unwrap();
    let projection = Projection::new(index, stack, &image.account, View::UpTo { from: 1, to: last });
    let query = Query::parse(text).unwrap();
    let mut spelling = Spelling::default();
    let paths = (1..u32::try_from(index.paths()).unwrap()).map(PathId::from_place);
    let mut found: Vec<_> = paths
        .filter(|path| projection.cell(*path).state != State::Absent)
        .filter(|path| query.fits(&Seen { image: &image, path: *path, cell: &projection.cell(*path) }, &mut spelling))
        .map(|path| String::from_utf8(index.path(path)).unwrap())
        .collect();
    found.sort();
    found
}

#[test]
fn words_are_parts_of_names_and_all_must_fit() {
    assert_eq!(found("LOGO"), [""; 0], "large letters mean themselves");
    assert_eq!(found("logo"), ["app/assets/logo-copy.png", "app/assets/logo.png"]);
    assert_eq!(found("logo copy"), ["app/assets/logo-copy.png"]);
    assert_eq!(found("logo !copy"), ["app/assets/logo.png"]);
    assert_eq!(found("assets/logo."), ["app/assets/logo.png"], "with a slash the whole path counts");
    assert_eq!(found("\"logo copy\""), [""; 0], "quotes hold words together");
}

#[test]
fn patterns_are_for_names_or_for_paths() {
    assert_eq!(found("logo*.png"), ["app/assets/logo-copy.png", "app/assets/logo.png"]);
    assert_eq!(found("glob:LOGO.png"), [""; 0]);
    assert_eq!(found("assets/*.png"), found("*.png"));
    assert_eq!(found("/app/*"), found("re:^/app/[^/]+$"));
    assert_eq!(found("re:LOGO"), [""; 0]);
    assert_eq!(found("re:\\Wlogo"), found("logo"), "an escape is no large letter");
}

#[test]
fn facts_are_asked_for_by_name() {
    assert_eq!(found("is:setuid is:file"), found("is:setuid"));
    assert!(found("is:setuid").contains(&"app/server".to_owned()));
    assert!(found("is:deleted").contains(&"app/.env".to_owned()));
    let large = found("size>=700k");
    assert!(large.contains(&"app/server".to_owned()) && !large.contains(&"app".to_owned()), "files only: {large:?}");
    assert!(found("size>=700k is:dir").contains(&"app".to_owned()));
    assert!(found("size<1k is:file size>0").iter().all(|path| !large.contains(path)));
    assert!(found("layer:6").iter().all(|path| path.starts_with("app")));
    assert_eq!(found("uid:0 is:setuid").len() + found("!uid:0 is:setuid").len(), found("is:setuid").len());
}

#[test]
fn what_is_no_filter_says_why() {
    for (text, why) in [
        ("size>", "size>10M"),
        ("size>ten", "size>10M"),
        ("layer:x", "layer:0"),
        ("is:set", "setuid setgid"),
        ("is:nothing", "added changed"),
        ("re:(", "no regular expression yet"),
        ("[", "no pattern yet"),
        ("re:(a{1000}){1000}", "no regular expression yet"),
    ] {
        let told = Query::parse(text).unwrap_err();
        assert!(told.contains(why) && !told.contains('\n'), "{text}: {told}");
    }
    assert!(Query::parse("  ").unwrap().is_empty());
}
