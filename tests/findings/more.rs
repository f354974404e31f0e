//! Rules that need a stage of their own, and that every rule has a test.

use serde_json::json;
use tar::EntryType;

use crate::common::image::Layer;
use crate::{CMD, ROOT, base, clean_config, image, of, one, program, report_with, rules};

/// What dpkg says of a package.
fn package(name: &str, more: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n{more}\n")
}

#[test]
fn packages_that_came_by_recommendation_or_stayed_behind() {
    let status = [
        package("app", "Depends: needed\nRecommends: wished\n"),
        package("needed", ""),
        package("wished", ""),
        package("left", ""),
    ];
    let automatic = ["needed", "wished", "left"]
        .map(|name| format!("Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n"))
        .concat();
    let list = |name: &str| format!("/.\n/usr\n/usr/lib\n/usr/lib/{name}\n");
    let layer = Layer::new()
        .file("var/lib/dpkg/status", status.concat())
        .file("var/lib/apt/extended_states", automatic)
        .file("var/lib/dpkg/info/app.list", list("app"))
        .file("var/lib/dpkg/info/needed.list", list("needed"))
        .file("var/lib/dpkg/info/wished.list", list("wished"))
        .file("var/lib/dpkg/info/left.list", list("left"))
        .filled("usr/lib/app", 100_000, 1)
        .filled("usr/lib/needed", 200_000, 2)
        .filled("usr/lib/wished", 300_000, 3)
        .filled("usr/lib/left", 400_000, 4)
        .mode(0o755)
        .file("usr/bin/copied", program(500_000));
    let gone = Layer::new().whiteout("var/lib/dpkg");
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c apt-get update && apt-get install -y app # buildkit", Some(layer)),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    let wished = one(&report, "WST-RECOMMENDS");
    assert_eq!((&wished["reclaimableBytes"], &wished["layer"]), (&json!(300_000), &json!(1)));
    assert_eq!(wished["evidence"][0]["text"], "packages: wished");
    assert_eq!(wished["fix"]["proposed"], "RUN apt-get update && apt-get install --no-install-recommends -y app");
    assert_eq!(one(&report, "WST-AUTOREMOVE")["reclaimableBytes"], 400_000);
    let unowned = of(&report, "RSK-UNOWNED").into_iter().find(|finding| finding["layer"] == 1).unwrap();
    assert_eq!(unowned["evidence"], json!([{ "kind": "path", "text": "/usr/bin/copied (500000 bytes)" }]));
    let wished = report["packages"].as_array().unwrap().iter().find(|package| package["name"] == "wished").unwrap();
    assert_eq!((&wished["visibleBytes"], &wished["recommendsOnly"]), (&json!(300_000), &json!(true)));

    let layer = Layer::new()
        .file("var/lib/dpkg/status", package("app", ""))
        .file("var/lib/dpkg/info/app.list", list("app"))
        .filled("usr/lib/app", 100_000, 1);
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c apt-get install -y app # buildkit", Some(layer)),
        ("RUN /bin/sh -c rm -rf /var/lib/dpkg # buildkit", Some(gone)),
    ];
    assert_eq!(one(&report_with(&image(&clean_config(), steps), &[]), "CFG-PACKAGE-DATABASE")["layer"], 2);
}

#[test]
fn leaving_a_package_out_saves_what_came_for_it() {
    let status = [package("vim", "Depends: vim-common\n"), package("vim-common", ""), package("other", "")].concat();
    let automatic = "Package: vim-common\nArchitecture: amd64\nAuto-Installed: 1\n\n";
    let layer = Layer::new()
        .file("var/lib/dpkg/status", status)
        .file("var/lib/apt/extended_states", automatic)
        .file("var/lib/dpkg/info/vim.list", "/.\n/usr\n/usr/bin\n/usr/bin/vim.basic\n")
        .file("var/lib/dpkg/info/vim-common.list", "/.\n/usr\n/usr/lib\n/usr/lib/vim-common\n")
        .file("var/lib/dpkg/info/other.list", "/.\n/usr\n/usr/lib\n/usr/lib/other\n")
        .filled("usr/lib/vim-common", 200_000, 1)
        .filled("usr/lib/other", 300_000, 2)
        .mode(0o755)
        .file("usr/bin/vim.basic", program(500_000));
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c apt-get install --no-install-recommends -y vim other # buildkit", Some(layer)),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    let vim = one(&report, "RSK-EDITOR");
    assert_eq!((&vim["bytes"], &vim["reclaimableBytes"]), (&json!(500_000), &json!(700_000)));
    assert_eq!(vim["package"], "vim");
    assert_eq!(vim["fix"]["proposed"], "RUN apt-get install --no-install-recommends -y other");
    assert!(vim["evidence"].to_string().contains("with vim go vim-common"), "{vim}");
}

#[test]
fn state_that_every_installation_writes_is_nobodys_fault() {
    let status = |size| Layer::new().filled("var/lib/dpkg/status", size, 1).filled("etc/ld.so.cache", size, 2);
    let steps = vec![
        ("RUN /bin/sh -c apt-get install -y a # buildkit", Some(status(1_000_000))),
        ("RUN /bin/sh -c apt-get install -y b # buildkit", Some(status(1_100_000))),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    let churn = one(&report, "WST-DB-CHURN");
    assert_eq!((&churn["reclaimableBytes"], &churn["files"]), (&json!(2_000_000), &json!(2)));
    assert!(of(&report, "WST-OVERWRITTEN").is_empty());
}

#[test]
fn attributes_and_files_that_stand_twice() {
    let attribute: &[(&str, &[u8])] = &[("SCHILY.xattr.user.note", b"x")];
    let first = Layer::new().filled("srv/a", 900_000, 1).filled("srv/twice", 800_000, 2).filled("srv/twice", 10, 3);
    let second = Layer::new().pax(attribute).filled("srv/a", 900_000, 1);
    let steps = vec![("COPY . / # buildkit", Some(first)), ("RUN /bin/sh -c setfattr # buildkit", Some(second))];
    let report = report_with(&image(&clean_config(), steps), &[]);
    assert_eq!(one(&report, "WST-XATTR")["reclaimableBytes"], 900_000);
    assert_eq!(one(&report, "WST-LISTED-TWICE")["reclaimableBytes"], 800_000);
}

#[test]
fn key_stores_histories_host_keys_and_devices() {
    let (dashes, line) = ("-".repeat(5), "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn4ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB\n");
    let key = format!("{dashes}BEGIN RSA PRIVATE KEY{dashes}\n{}{dashes}END RSA PRIVATE KEY{dashes}\n", line.repeat(6));
    let web_token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJlc2lnbmF0dXJl";
    let layer = Layer::new()
        .file("srv/store.p12", [0x30, 0x82, 0, 0])
        .file("usr/lib/jvm/x/lib/security/cacerts.jks", [0; 20])
        .file("root/.bash_history", "ls\n")
        .file("etc/ssh/ssh_host_rsa_key", &key)
        .file("srv/token.txt", format!("token {web_token}\n"))
        .file("srv/no-token.txt", "token eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJlc2lnbmF0dXJl\n")
        .special(EntryType::Block, "srv/disk", 8, 0)
        .special(EntryType::Char, "dev/null", 1, 3);
    let report = report_with(&image(&clean_config(), vec![("COPY . / # buildkit", Some(layer))]), &[]);
    assert_eq!(one(&report, "SEC-KEY-STORE")["path"], "/srv/store.p12");
    assert_eq!(one(&report, "SEC-HISTORY-FILE")["path"], "/root/.bash_history");
    let host = one(&report, "SEC-SSH-HOST-KEY");
    assert_eq!(host["path"], "/etc/ssh/ssh_host_rsa_key");
    // Its bytes are claimed by what tells it.
    assert!(host["reclaimableBytes"] == host["bytes"] && host["bytes"].as_u64() > Some(0), "{host}");
    assert_eq!(one(&report, "SEC-JWT")["path"], "/srv/token.txt");
    assert_eq!(one(&report, "RSK-DEVICE")["evidence"][0]["text"], "device 8:0");
}

#[test]
fn what_a_package_ships_is_nobodys_secret() {
    let web_token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJlc2lnbmF0dXJl\n";
    let layer = Layer::new()
        .file("var/lib/dpkg/status", package("jwt", ""))
        .file("var/lib/dpkg/info/jwt.list", "/.\n/usr\n/usr/lib\n/usr/lib/jwt-readme\n")
        .file("usr/lib/jwt-readme", web_token)
        .file("usr/lib/own-token", web_token);
    let report = report_with(&image(&clean_config(), vec![("COPY . / # buildkit", Some(layer))]), &[]);
    let severity = |path: &str| {
        let found = of(&report, "SEC-JWT").into_iter().find(|finding| finding["path"] == path).unwrap();
        found["severity"].as_str().unwrap().to_owned()
    };
    assert_eq!([severity("/usr/lib/jwt-readme"), severity("/usr/lib/own-token")], ["info", "medium"]);
}

#[test]
fn services_state_and_tags() {
    let layer = Layer::new()
        .file("var/lib/postgresql/data/PG_VERSION", "16\n")
        .file("var/lib/redis/dump.rdb", "REDIS")
        .mode(0o755)
        .file("usr/sbin/nginx", program(1000))
        .file("usr/sbin/mysqld", program(1001));
    let mut config = clean_config();
    config["ExposedPorts"] = json!({ "80/tcp": {}, "3306/tcp": {} });
    config["Volumes"] = json!({ "/var/lib/redis": {} });
    let report = report_with(&image(&config, vec![("COPY . / # buildkit", Some(layer))]), &[]);
    assert_eq!(one(&report, "CFG-SERVICES")["evidence"][0]["text"], "nginx, mysqld");
    assert_eq!(one(&report, "CFG-STATE")["path"], "/var/lib/postgresql/data/PG_VERSION");
    assert!(!rules(&report).contains(&"CFG-LATEST"), "an archive has no tag that was asked for");
}

#[test]
fn a_crash_and_a_file_of_that_name() {
    let mut core = program(200_000);
    core[16] = 4;
    let layer = Layer::new().file("srv/core.123", core).file("srv/core", "just a name").file("srv/x/core.js", "x");
    let report = report_with(&image(&clean_config(), vec![("COPY . / # buildkit", Some(layer))]), &[]);
    assert_eq!(one(&report, "WST-CORE")["path"], "/srv/core.123");
}

/// Rules that data alone makes are tested with their data: globs, names, forms of secrets.
#[test]
fn every_other_rule_is_tested_by_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = std::fs::read_dir(folder.join("tests/findings"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let rules = layerscope::analysis::rules::Rules::built_in().unwrap();
    let untested: Vec<&str> = rules
        .own()
        .iter()
        .filter(|rule| rule.paths.is_empty() && rule.names.is_empty() && rule.pattern.is_empty())
        .map(|rule| rule.id.as_str())
        .filter(|id| !tests.contains(&format!("\"{id}\"")))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}
