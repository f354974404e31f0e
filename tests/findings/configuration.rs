//! What the config and the history should do otherwise.

use serde_json::{Value, json};

use crate::common::image::Layer;
use crate::{clean_config, image, of, one, program, report_with, rules};

fn with(change: impl FnOnce(&mut Value), command: &str) -> Value {
    let mut config = clean_config();
    change(&mut config);
    let layer = Layer::new()
        .file("etc/passwd", "root:x:0:0::/:/bin/sh\nadmin:x:0:0::/:/bin/sh\napp:x:5:5::/:/bin/sh\n")
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"10\"\n")
        .mode(0o755)
        .file("app/server", program(1000));
    report_with(&image(&config, vec![(command, Some(layer))]), &[])
}

#[test]
fn users() {
    for (user, rule) in [
        (json!(null), "CFG-ROOT"),
        (json!("0:0"), "CFG-ROOT"),
        (json!("admin"), "CFG-ROOT"),
        (json!("app"), "CFG-USER-NAME"),
        (json!("nobody-here"), "CFG-USER-MISSING"),
    ] {
        let report = with(|config| config["User"] = user.clone(), "COPY . / # buildkit");
        one(&report, rule);
    }
    let found = with(|_| {}, "COPY . / # buildkit");
    assert!(!rules(&found).iter().any(|rule| rule.starts_with("CFG-USER") || *rule == "CFG-ROOT"));
}

#[test]
fn what_is_started_and_exposed() {
    let report = with(
        |config| {
            config["Entrypoint"] = json!(null);
            config["Cmd"] = json!(["/bin/sh", "-c", "/app/server --fast"]);
            config["ExposedPorts"] = json!({ "22/tcp": {}, "8080/tcp": {} });
            config["Volumes"] = json!({ "/var/run/docker.sock": {}, "/data": {} });
            config["Labels"] = json!({});
        },
        "COPY . / # buildkit",
    );
    for rule in
        ["CFG-SHELL-FORM", "CFG-PORT-REMOTE", "CFG-VOLUME-SYSTEM", "CFG-LABELS", "CFG-HEALTH-CHECK", "CFG-NO-PROGRAM"]
    {
        one(&report, rule);
    }
    assert_eq!(one(&report, "CFG-END-OF-LIFE")["evidence"][0]["text"], "debian 10 had its last fixes on 2024-06-30");
    let other = with(|config| config["Entrypoint"] = json!(["/app/missing"]), "COPY . / # buildkit");
    assert_eq!(one(&other, "CFG-NO-PROGRAM")["evidence"][0]["text"], "/app/missing");
}

#[test]
fn instructions() {
    for (command, rule) in [
        ("ADD https://x.example/a.tar.gz /a # buildkit", "CFG-ADD-REMOTE"),
        ("RUN /bin/sh -c apt-get update # buildkit", "CFG-UPDATE-ALONE"),
        ("RUN /bin/sh -c apt-get update && apt-get -y dist-upgrade # buildkit", "CFG-UPGRADE"),
        ("RUN /bin/sh -c sudo make install # buildkit", "CFG-SUDO"),
        ("RUN /bin/sh -c curl -fsSL https://x.example/install | sh - # buildkit", "CFG-PIPE-SHELL"),
    ] {
        one(&with(|_| {}, command), rule);
    }
    for command in [
        "ADD --checksum=sha256:00 https://x.example/a.tar.gz /a # buildkit",
        "RUN /bin/sh -c apt-get update && apt-get install -y x # buildkit",
        "RUN /bin/sh -c echo sudo apt-get update # buildkit",
        "RUN /bin/sh -c curl -o x https://x.example/install && sha256sum -c sums && sh x # buildkit",
        "RUN /bin/sh -c apk add --no-cache x # buildkit",
    ] {
        let report = with(|_| {}, command);
        for rule in ["CFG-ADD-REMOTE", "CFG-UPDATE-ALONE", "CFG-UPGRADE", "CFG-SUDO", "CFG-PIPE-SHELL"] {
            assert!(of(&report, rule).is_empty(), "{command}: {rule}");
        }
    }
}

#[test]
fn the_program_is_for_the_machine() {
    let mut arm = program(1000);
    arm[18] = 183;
    let layer = Layer::new().mode(0o755).file("app/server", arm);
    let report = report_with(&image(&clean_config(), vec![("COPY . / # buildkit", Some(layer))]), &[]);
    assert_eq!(
        one(&report, "CFG-ARCHITECTURE")["evidence"][0]["text"],
        "the image is for amd64, the program for arm64"
    );
    assert!(of(&with(|_| {}, "COPY . / # buildkit"), "CFG-ARCHITECTURE").is_empty());
}
