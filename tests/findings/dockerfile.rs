//! The fixes as edits of the files that an image is built from.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::image::Layer;
use crate::{CMD, ROOT, base, clean_config, image, one, report_with};

/// The report with the diff of a folder that has these files, and the folder after it was patched.
fn patched(image: &[u8], files: &[(&str, &str)]) -> (Value, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let dockerfile = folder.path().join(files[0].0);
    let report = report_with(image, &["--dockerfile", dockerfile.to_str().unwrap()]);
    let diff = folder.path().join("diff");
    fs::write(&diff, report["dockerfileDiff"].as_str().unwrap()).unwrap();
    let git = Command::new("git").args(["apply", "diff"]).current_dir(folder.path()).output().unwrap();
    assert!(git.status.success(), "{}\n{}", String::from_utf8_lossy(&git.stderr), report["dockerfileDiff"]);
    (report, folder)
}

fn copied() -> Vec<u8> {
    let copy = Layer::new()
        .dir("app/")
        .filled("app/.git/objects/pack/a.pack", 300_000, 1)
        .file("app/.env", "API_TOKEN=abcdefgh12345678\n")
        .file("app/docker-compose.yml", "services: {}\n")
        .file("app/x", "x");
    let chmod = Layer::new().dir("app/").mode(0o600).file("app/docker-compose.yml", "services: {}\n");
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("COPY . /app # buildkit", Some(copy)),
        ("RUN /bin/sh -c chmod 600 /app/docker-compose.yml # buildkit", Some(chmod)),
    ];
    image(&clean_config(), steps)
}

const DOCKERFILE: &str = "FROM debian:13\nCOPY . /app\nRUN chmod 600 /app/docker-compose.yml\n";

#[test]
fn what_came_with_the_build_context_goes_into_dockerignore() {
    let (report, folder) = patched(&copied(), &[("Dockerfile", DOCKERFILE)]);
    let ignored = fs::read_to_string(folder.path().join(".dockerignore")).unwrap();
    assert_eq!(ignored, "**/.env\n**/.git\n**/docker-compose*.yml\n");
    assert_eq!(fs::read_to_string(folder.path().join("Dockerfile")).unwrap(), DOCKERFILE);
    let advice = one(&report, "WST-VCS")["fix"]["advice"].as_str().unwrap();
    assert!(advice.ends_with("In .dockerignore: **/.git"), "{advice}");
}

#[test]
fn a_dockerignore_that_is_there_gets_more_lines() {
    let files = [("web.Dockerfile", DOCKERFILE), ("web.Dockerfile.dockerignore", "node_modules\n**/.git")];
    let (_, folder) = patched(&copied(), &files);
    let ignored = fs::read_to_string(folder.path().join(files[1].0)).unwrap();
    assert_eq!(ignored, "node_modules\n**/.git\n**/.env\n**/docker-compose*.yml\n");
    assert!(!folder.path().join(".dockerignore").exists());
}

#[test]
fn what_another_stage_made_is_not_kept_out_of_the_context() {
    let copy = Layer::new().filled("app/.git/objects/pack/a.pack", 300_000, 1);
    let steps = vec![(ROOT, Some(base())), (CMD, None), ("COPY --from=build /src /app # buildkit", Some(copy))];
    let report = report_with(&image(&clean_config(), steps), &[]);
    assert!(!one(&report, "WST-VCS")["fix"]["advice"].as_str().unwrap().contains("In .dockerignore"));
}
