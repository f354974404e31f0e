//! Secrets in every layer, in the config and in the history; redacted everywhere.

use serde_json::json;

use crate::common::image::Layer;
use crate::common::program::run;
use crate::{CMD, ROOT, base, clean_config, findings, image, of, one, report_with};

/// Put together here, so that nobody takes this file for a leak.
pub fn token() -> String {
    format!("ghp_{}", "h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKo")
}

pub fn key() -> String {
    let (dashes, line) = ("-".repeat(5), "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn4ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB\n");
    format!("{dashes}BEGIN RSA PRIVATE KEY{dashes}\n{}{dashes}END RSA PRIVATE KEY{dashes}\n", line.repeat(6))
}

#[test]
fn deleted_and_replaced_secrets_are_found_in_their_layer() {
    let first = Layer::new()
        .dir("app/")
        .file("app/.env", format!("NAME=x\nAPI_TOKEN={}\n", token()))
        .file("app/config.yml", format!("token: {}\n", token()))
        .file("app/.env.example", "API_TOKEN=put-your-token-here-please\n")
        .file("root/.ssh/id_rsa", key());
    let second = Layer::new().dir("app/").whiteout("app/.env").file("app/config.yml", "token: none\n");
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("COPY . /app # buildkit", Some(first)),
        ("RUN /bin/sh -c rm /app/.env # buildkit", Some(second)),
    ];
    let tar = image(&clean_config(), steps);
    let report = report_with(&tar, &[]);
    let states: Vec<_> = of(&report, "SEC-GITHUB")
        .iter()
        .map(|finding| {
            assert_eq!((&finding["layer"], finding["severity"].as_str()), (&json!(1), Some("critical")));
            assert!(finding["fix"].to_string().contains("Rotate it first"), "{}", finding["fix"]);
            (finding["path"].as_str().unwrap().to_owned(), finding["state"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [("/app/.env", "deleted"), ("/app/config.yml", "shadowed")];
    let mut states = states;
    states.sort();
    assert_eq!(states, expected.map(|(path, state)| (path.to_owned(), state.to_owned())));
    assert_eq!(one(&report, "SEC-PRIVATE-KEY")["path"], "/root/.ssh/id_rsa");
    no_output_says(&tar, &[&token()[4..], "MIIEpAIBAAKCAQEA"]);
    let off = report_with(&tar, &["--no-scan"]);
    assert!(findings(&off).iter().all(|finding| finding["category"] != "secret"));
    assert!(off["coverage"].as_array().unwrap().iter().any(|gap| gap["reason"] == "--no-scan"));
}

/// Nothing that is written without a Dockerfile says a secret, whatever it is about.
fn no_output_says(tar: &[u8], secrets: &[&str]) {
    let mut file = tempfile::Builder::new().suffix(".tar").tempfile().unwrap();
    std::io::Write::write_all(&mut file, tar).unwrap();
    for format in ["text", "json", "dive-json"] {
        let ran = run(&[file.path().to_str().unwrap(), "--format", format]);
        assert!(ran.stdout.len() > 500, "{}", ran.stderr);
        for secret in secrets {
            assert!(!ran.stdout.contains(secret), "{secret} in {format}: {}", ran.stdout);
        }
    }
}

#[test]
fn the_config_and_the_history_are_read() {
    let mut config = clean_config();
    config["Env"] = json!([
        format!("GITHUB_TOKEN={}", token()),
        "DB_PASSWORD=hunter2hunter2",
        "POSTGRES_PASSWORD=changeme",
        "GPG_KEY=0123456789ABCDEF",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "PATH=/usr/bin",
    ]);
    config["Labels"]["deploy.token"] = json!("t0ps3cr3tvalue");
    let layer = || Layer::new().file("app/x", "x");
    let steps = vec![
        ("RUN |1 NPM_TOKEN=abcdefgh12345678 /bin/sh -c npm ci # buildkit", Some(layer())),
        (
            "RUN |1 NPM_TOKEN=abcdefgh12345678 /bin/sh -c npm run build # buildkit",
            Some(Layer::new().file("app/y", "y")),
        ),
        ("RUN /bin/sh -c curl -u joe:s3cr3tpass https://x.example/a # buildkit", Some(Layer::new().file("app/z", "z"))),
        ("ARG VERSION=1.2.3", None),
        (
            "RUN /bin/sh -c curl -u $USER:$PASSWORD https://x.example/a # buildkit",
            Some(Layer::new().file("app/w", "w")),
        ),
    ];
    let tar = image(&config, steps);
    let report = report_with(&tar, &[]);
    let subjects: Vec<_> = of(&report, "SEC-VARIABLE").iter().map(|finding| finding["subject"].clone()).collect();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    let default =
        of(&report, "SEC-VARIABLE").into_iter().find(|finding| finding["subject"] == "config Env POSTGRES_PASSWORD");
    assert_eq!(default.unwrap()["severity"], "low");
    assert_eq!(one(&report, "SEC-LABEL")["subject"], "config Labels deploy.token");
    no_output_says(&tar, &[&token()[4..], "hunter2hunter2", "t0ps3cr3tvalue", "abcdefgh12345678", "s3cr3tpass"]);
    let argument = one(&report, "SEC-BUILD-ARGUMENT");
    assert_eq!((&argument["layer"], argument["subject"].as_str()), (&json!(0), Some("step 0")), "told once");
    assert_eq!(one(&report, "SEC-COMMAND")["subject"], "step 2");
}

#[test]
fn the_same_secret_that_a_layer_stores_again_is_told_once() {
    let env = || Layer::new().dir("app/").file("app/.env", format!("API_TOKEN={}\n", token()));
    let steps = vec![
        ("COPY . /app # buildkit", Some(env())),
        (
            "RUN /bin/sh -c chmod 600 /app/.env # buildkit",
            Some(Layer::new().mode(0o600).file("app/.env", format!("API_TOKEN={}\n", token()))),
        ),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    assert_eq!(one(&report, "SEC-GITHUB")["state"], "live");
}

#[test]
fn generic_secrets_are_found_when_asked_for_in_what_no_package_owns() {
    let status = "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
    let assigned = "db_password = \"Tr0ub4dor3x9\"\n";
    let random = format!("key('{}')\n", "h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKoPiXqBrMt");
    let first = Layer::new()
        .file("var/lib/dpkg/status", status)
        .file("var/lib/dpkg/info/tool.list", "/.\n/etc\n/etc/tool.conf\n")
        .file("etc/tool.conf", assigned)
        .file("app/settings.py", format!("{assigned}{random}"))
        .file("app/gone.py", "api_token = 'Tr0ub4dor3x8'\n");
    let second = Layer::new().whiteout("app/gone.py");
    let steps = vec![("COPY . / # buildkit", Some(first)), ("RUN /bin/sh -c rm /app/gone.py # buildkit", Some(second))];
    let tar = image(&clean_config(), steps);
    let strict = report_with(&tar, &[]);
    assert!(of(&strict, "SEC-ASSIGNMENT").is_empty() && of(&strict, "SEC-RANDOM").is_empty());
    // What is kept of the one search does not serve the other.
    let generic = report_with(&tar, &["--secrets", "generic"]);
    let mut paths: Vec<_> = of(&generic, "SEC-ASSIGNMENT").iter().map(|finding| finding["path"].clone()).collect();
    paths.sort_by_key(ToString::to_string);
    assert_eq!(paths, ["/app/gone.py", "/app/settings.py"]);
    assert_eq!(one(&generic, "SEC-RANDOM")["path"], "/app/settings.py");
    let again = report_with(&tar, &["--secrets", "strict"]);
    assert!(of(&again, "SEC-ASSIGNMENT").is_empty());
    let report = generic.to_string();
    assert!(!report.contains("Tr0ub4dor3x9"), "{report}");
}
