//! Where the report goes, what is said on the way, and being interrupted.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::expect;
use crate::common::program::{layerscope, run};

#[test]
fn a_full_disk() {
    for format in ["json", "dive-json"] {
        let ran = run(&["demo", "--json", "/dev/full", "--format", format]);
        expect(&ran, 2, &["cannot write to /dev/full", "No space left", "the disk is full"]);
    }
    for arguments in [&["demo"][..], &["demo", "--json", "-"], &["demo", "--json", "-", "--files"]] {
        let output = layerscope().args(arguments).stdout(File::create("/dev/full").unwrap()).output().unwrap();
        expect(&output.into(), 2, &["cannot write to standard output", "No space left", "the disk is full"]);
    }
}

#[test]
fn places_that_cannot_be_written() {
    expect(
        &run(&["demo", "--json", "/nowhere/report.json"]),
        2,
        &["cannot write to /nowhere/report.json", "does not exist"],
    );
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().to_str().unwrap();
    expect(&run(&["demo", "--json", shown]), 2, &["cannot write to", "s a directory"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_report_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    std::fs::write(&file, "before").unwrap();
    let ran = run(&["/nowhere/image.tar", "--json", file.to_str().unwrap()]);
    assert_eq!(ran.code, 3);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
    let ran = run(&["demo", "--json", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("demo  linux/amd64"));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["schema"], "layerscope/report/1");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in ["demo", "demo --json - --files", "demo --format dive-json", "--help"] {
        let script = format!("{} {arguments} | head -c 0; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_layerscope"));
        let output = Command::new("bash").args(["-c", &script]).env_remove("CI").output().unwrap();
        expect(&output.into(), 0, &[]);
    }
}

#[test]
fn nothing_but_the_report_where_nobody_looks() {
    for arguments in [&["demo"][..], &["demo", "--quiet"], &["demo", "-q", "--json", "-"]] {
        assert_eq!(run(arguments).stderr, "");
    }
}

#[test]
fn progress_for_a_person_only() {
    // `script` gives the program a terminal; a slow pipe gives it time to be looked at.
    if Command::new("script").arg("--version").output().is_err() {
        return eprintln!("skipped: there is no `script` to make a terminal with");
    }
    let watched = |quiet: &str| {
        let program = env!("CARGO_BIN_EXE_layerscope");
        let line = format!("(sleep 1; cat /dev/null) | {program} - {quiet} >/dev/null");
        let output = Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(watched("").contains("\r\u{1b}[2Kreading "));
    assert!(!watched("--quiet").contains("reading "));
}

#[test]
fn an_interrupt_ends_it_at_once() {
    let mut child =
        layerscope().arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // The beginning of an archive that never goes on.
    let mut archive = crate::common::image::docker_archive(&[vec![0; 1024]]);
    archive.truncate(700);
    pipe.write_all(&archive).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it waits for more");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let began = Instant::now();
    let status = child.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(status.code(), Some(130));
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
    drop(pipe);
}

#[test]
fn limits_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |arguments: &[&str]| -> crate::common::program::Ran {
        layerscope().args(arguments).current_dir(folder.path()).output().unwrap().into()
    };
    let config = folder.path().join(".dive-ci");
    expect(
        &in_folder(&["demo", "--ci", "--ci-config", "other"]),
        2,
        &["cannot read the rules in other", "No such file"],
    );
    std::fs::write(&config, "rules:\n  lowestEfficiency: [\n").unwrap();
    expect(&in_folder(&["demo", "--ci"]), 2, &["cannot read the rules in .dive-ci", "the file is YAML"]);
    std::fs::write(&config, "rules:\n  lowestEfficiency: many\n").unwrap();
    expect(&in_folder(&["demo", "--ci"]), 2, &["lowestEfficiency", "many", ".dive-ci"]);
    std::fs::write(&config, b"rules:\n  lowestEfficiency: \xff\n").unwrap();
    expect(&in_folder(&["demo", "--ci"]), 2, &["cannot read the rules in .dive-ci", "UTF-8"]);
    std::fs::remove_file(&config).unwrap();
    std::fs::create_dir(&config).unwrap();
    expect(&in_folder(&["demo", "--ci"]), 2, &["cannot read the rules in .dive-ci", "directory"]);
    // Without a gate nobody looks at it.
    expect(&in_folder(&["demo"]), 0, &[]);
}
