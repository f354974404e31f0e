//! The fixes as edits of the files that an image is built from.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::image::Layer;
use crate::{CMD, ROOT, base, clean_config, image, one, report_with};

/// The report with the diff of a folder that has these files, and the folder after it was patched.
pub fn patched(image: &[u8], files: &[(&str, &str)]) -> (Value, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let dockerfile = folder.path().join(files[0].0);
    let report = report_with(image, &["--dockerfile", dockerfile.to_str().unwrap()]);
    let diff = folder.path().join("diff");
    fs::write(&diff, report["dockerfileDiff"].as_str().unwrap()).unwrap();
    let git = Command::new("git").args(["apply", "--allow-empty", "diff"]).current_dir(folder.path()).output().unwrap();
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
    assert_eq!(ignored, "**/.dockerignore\n**/.env\n**/.git\n**/docker-compose*.yml\n");
    assert_eq!(fs::read_to_string(folder.path().join("Dockerfile")).unwrap(), DOCKERFILE);
    let advice = one(&report, "WST-VCS")["fix"]["advice"].as_str().unwrap();
    assert!(advice.ends_with("In .dockerignore: **/.git"), "{advice}");
}

#[test]
fn what_deletes_later_does_not_fail_for_want_of_it() {
    let copy = Layer::new().dir("app/").file("app/.env", "API_TOKEN=abcdefgh12345678\n").file("app/x", "x");
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("COPY . /app # buildkit", Some(copy)),
        ("RUN /bin/sh -c rm /app/.env && true # buildkit", Some(Layer::new().whiteout("app/.env"))),
    ];
    let dockerfile = "FROM debian:13\nCOPY . /app\nRUN rm /app/.env && true\n";
    let (_, folder) = patched(&image(&clean_config(), steps), &[("Dockerfile", dockerfile)]);
    let mended = fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    assert_eq!(mended, dockerfile.replace("rm /", "rm -f /"));
}

#[test]
fn what_a_later_command_uses_moves_together_with_it() {
    let fetched = || Layer::new().filled("tmp/tool.tar", 900_000, 1);
    let built = || Layer::new().file("usr/bin/tool", "x");
    let steps = |between: &'static str| {
        let steps = vec![
            (ROOT, Some(base())),
            (CMD, None),
            ("RUN /bin/sh -c fetch /tmp/tool.tar # buildkit", Some(fetched())),
            (between, Some(built())),
            ("RUN /bin/sh -c rm /tmp/tool.tar # buildkit", Some(Layer::new().whiteout("tmp/tool.tar"))),
        ];
        image(&clean_config(), steps)
    };
    let mended = |between: &'static str, line: &str| {
        let dockerfile = format!("FROM debian:13\nRUN fetch /tmp/tool.tar\n{line}\nRUN rm /tmp/tool.tar\nUSER 1\n");
        let (report, folder) = patched(&steps(between), &[("Dockerfile", &dockerfile)]);
        let mended = fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
        (mended == dockerfile, mended, one(&report, "WST-DELETED")["fix"]["proposed"].clone())
    };
    let (_, with_run, proposed) = mended("RUN /bin/sh -c make tool # buildkit", "RUN make \\\n    tool");
    assert_eq!(
        with_run,
        "FROM debian:13\nRUN fetch /tmp/tool.tar \\\n    && make \\\n    tool \\\n    && rm /tmp/tool.tar\nUSER 1\n"
    );
    assert_eq!(proposed, "RUN fetch /tmp/tool.tar \\\n && make tool \\\n && rm /tmp/tool.tar");
    // What copies does not read it.
    let (_, with_copy, _) = mended("COPY tool /usr/bin/ # buildkit", "COPY tool /usr/bin/");
    assert_eq!(
        with_copy,
        "FROM debian:13\nRUN fetch /tmp/tool.tar \\\n    && rm /tmp/tool.tar\nCOPY tool /usr/bin/\nUSER 1\n"
    );
}

#[test]
fn an_instruction_that_installs_nothing_that_is_needed_goes() {
    let wget = || Layer::new().mode(0o755).file("usr/bin/wget", crate::program(300_000));
    let lists = || Layer::new().filled("var/lib/apt/lists/x_Packages", 900_000, 1);
    let gone = || Layer::new().whiteout("var/lib/apt/lists/x_Packages");
    let mended = |install: &'static str, command: &str| {
        let steps = vec![
            (ROOT, Some(base())),
            (CMD, None),
            ("RUN /bin/sh -c apt-get update # buildkit", Some(lists())),
            (command, Some(wget())),
            ("RUN /bin/sh -c rm -rf /var/lib/apt/lists/* # buildkit", Some(gone())),
        ];
        let dockerfile = format!("FROM debian:13\nRUN apt-get update\n{install}\nRUN rm -rf /var/lib/apt/lists/*\n");
        let (_, folder) = patched(&image(&clean_config(), steps), &[("Dockerfile", &dockerfile)]);
        fs::read_to_string(folder.path().join("Dockerfile")).unwrap()
    };
    let alone = mended("RUN apt-get install -y wget", "RUN /bin/sh -c apt-get install -y wget # buildkit");
    assert_eq!(alone, "FROM debian:13\nRUN apt-get update \\\n    && rm -rf /var/lib/apt/lists/*\n");
    // What is called, or what does more, stays; and what makes the lists goes with what needs them.
    let called =
        mended("RUN apt-get install -y wget && wget x", "RUN /bin/sh -c apt-get install -y wget && wget x # buildkit");
    assert_eq!(
        called,
        "FROM debian:13\nRUN apt-get update \\\n    && apt-get install -y wget && wget x \\\n    && rm -rf /var/lib/apt/lists/*\n"
    );
}

#[test]
fn the_mode_of_one_file_is_not_that_of_all() {
    let copy = || Layer::new().dir("app/").filled("app/a", 900_000, 1).filled("app/b", 900_000, 2);
    let report = |command: &str, later: Layer| {
        let steps =
            vec![(ROOT, Some(base())), (CMD, None), ("COPY . /app # buildkit", Some(copy())), (command, Some(later))];
        one(&report_with(&image(&clean_config(), steps), &[]), "WST-CHMOD")["fix"]["proposed"].clone()
    };
    let one_file = Layer::new().mode(0o700).filled("app/a", 900_000, 1);
    assert_eq!(report("RUN /bin/sh -c chmod 0700 /app/a # buildkit", one_file), Value::Null);
    let all = Layer::new().mode(0o700).dir("app/").filled("app/a", 900_000, 1).filled("app/b", 900_000, 2);
    let proposed = report("RUN /bin/sh -c chmod -R 0700 /app # buildkit", all);
    assert_eq!(proposed, "COPY --chmod=0700 . /app");
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
