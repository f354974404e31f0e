//! Programs, privileges and accounts, and what is near them and harmless.

use serde_json::json;

use crate::common::image::Layer;
use crate::{CMD, ROOT, base, clean_config, findings, image, of, one, program, report_with, rules};

fn on_base(config: &serde_json::Value, layer: Layer) -> serde_json::Value {
    let steps =
        vec![(ROOT, Some(base())), (CMD, None), ("RUN /bin/sh -c apt-get install -y curl vim # buildkit", Some(layer))];
    report_with(&image(config, steps), &[])
}

#[test]
fn programs_are_found_by_what_they_are() {
    let layer = Layer::new()
        .dir("usr/bin/")
        .mode(0o755)
        .file("usr/bin/curl", program(300_000))
        .file("usr/bin/x86_64-linux-gnu-gcc-12", program(900_000))
        .symlink("usr/bin/gcc", "x86_64-linux-gnu-gcc-12")
        .symlink("usr/bin/cc", "/etc/alternatives/cc")
        .symlink("etc/alternatives/cc", "/usr/bin/gcc")
        .file("usr/sbin/sshd", program(800_000))
        .file("usr/bin/vim.basic", program(700_000))
        // Near, and nothing: no right to run, another place, another name, nothing in it.
        .mode(0o644)
        .file("usr/bin/wget", program(1000))
        .file("usr/share/doc/nmap", "about nmap")
        .mode(0o755)
        .file("usr/share/bash-completion/git", program(1000))
        .file("usr/bin/gcc-ar-12", program(1001))
        .file("usr/bin/socat", "");
    let report = on_base(&clean_config(), layer);
    for (rule, path, bytes) in [
        ("RSK-DOWNLOAD", "/usr/bin/curl", 300_000),
        ("RSK-COMPILER", "/usr/bin/x86_64-linux-gnu-gcc-12", 900_000),
        ("RSK-REMOTE", "/usr/sbin/sshd", 800_000),
        ("RSK-EDITOR", "/usr/bin/vim.basic", 700_000),
    ] {
        let finding = one(&report, rule);
        assert_eq!((finding["path"].as_str(), &finding["bytes"]), (Some(path), &json!(bytes)), "{rule}");
        assert_eq!((&finding["layer"], finding["origin"].as_str()), (&json!(1), Some("yours")));
    }
    for rule in ["RSK-NET", "RSK-EXFIL"] {
        assert!(of(&report, rule).is_empty(), "{rule}");
    }
    assert_eq!(
        one(&report, "RSK-DOWNLOAD")["fix"]["proposed"],
        "RUN apt-get install -y vim",
        "the package that brought it is left out"
    );
    assert_eq!(one(&report, "RSK-COMPILER")["evidence"].as_array().unwrap().len(), 4, "three names and what it is");
    let matrix = &report["matrix"];
    assert_eq!(matrix["yours"]["fetch"], json!(["curl"]));
    assert_eq!(matrix["base"]["shell"], json!(["bash"]));
    assert_eq!(matrix["yours"]["remote"], json!(["sshd"]));
}

#[test]
fn what_later_layers_delete_is_no_risk_but_stands_in_the_matrix() {
    let layer = Layer::new().dir("usr/bin/").mode(0o755).file("usr/bin/curl", program(300_000));
    let gone = Layer::new().dir("usr/bin/").whiteout("usr/bin/curl");
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c apt-get install -y curl # buildkit", Some(layer)),
        ("RUN /bin/sh -c apt-get purge -y curl # buildkit", Some(gone)),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    assert!(of(&report, "RSK-DOWNLOAD").is_empty());
    assert_eq!(report["matrix"]["deleted"]["fetch"], json!(["curl"]));
    assert_eq!(one(&report, "WST-DELETED")["reclaimableBytes"], 300_000);
}

#[test]
fn what_the_container_uses_weighs_less() {
    let layer = Layer::new()
        .dir("usr/bin/")
        .mode(0o755)
        .file("usr/bin/curl", program(300_000))
        .file("usr/bin/python3.12", program(500_000))
        .symlink("usr/bin/python3", "python3.12")
        .file("entry.sh", "#!/usr/bin/env python3\nprint('hello')\n");
    let mut config = clean_config();
    config["Entrypoint"] = json!(["/entry.sh"]);
    config["Healthcheck"] = json!({ "Test": ["CMD", "curl", "-f", "http://localhost/"] });
    let report = on_base(&config, layer.file("usr/bin/env", program(1000)));
    let curl = one(&report, "RSK-DOWNLOAD");
    assert_eq!((&curl["inUse"], curl["severity"].as_str()), (&json!(["HEALTHCHECK"]), Some("low")));
    let python = one(&report, "RSK-INTERP");
    assert_eq!(python["inUse"], json!(["interpreter of /entry.sh"]));
    assert_eq!(python["reclaimableBytes"], 0);
}

#[test]
fn busybox_tells_its_applets_itself() {
    let mut bytes = program(4000);
    bytes.extend(b"BusyBox v1.36.1 (2026)\0");
    let mut applets: Vec<String> = (0..40).map(|number| format!("m{number:02}")).collect();
    applets.extend(["nc", "sh", "telnetd", "vi", "wget"].map(str::to_owned));
    applets.sort();
    for applet in &applets {
        bytes.extend(applet.as_bytes());
        bytes.push(0);
    }
    // As the official image has it: the file bears one name, and all others are hard links.
    let layer = Layer::new()
        .dir("bin/")
        .mode(0o755)
        .file("bin/[", &bytes)
        .hardlink("bin/sh", "bin/[")
        .hardlink("bin/ls", "bin/[");
    let report = report_with(&image(&clean_config(), vec![("COPY . / # buildkit", Some(layer))]), &[]);
    let finding = one(&report, "RSK-BUSYBOX");
    assert_eq!(finding["evidence"][0]["text"], "BusyBox 1.36.1 with 45 applets");
    assert_eq!(finding["evidence"][1]["text"], "runs by name: nc sh telnetd vi wget");
    assert!(of(&report, "RSK-SHELL").is_empty(), "links are the same program");
    assert_eq!(report["matrix"]["yours"]["fetch"], json!(["wget (busybox)"]));
}

#[test]
fn set_id_and_capabilities_are_judged_by_what_they_give() {
    let capability: &[u8] = &[1, 0, 0, 2, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let layer = Layer::new()
        .dir("usr/bin/")
        .mode(0o4755)
        .file("usr/bin/passwd", program(1000))
        .file("usr/bin/find", program(1001))
        .file("srv/own", program(1002))
        .file("srv/script", "#!/bin/bash\nid\n")
        .mode(0o2755)
        .dir("srv/shared/")
        .mode(0o755)
        .pax(&[("SCHILY.xattr.security.capability", capability)])
        .file("srv/capable", program(1003));
    let report = on_base(&clean_config(), layer);
    assert_eq!(one(&report, "RSK-SETID-KNOWN")["evidence"][0]["text"], "/usr/bin/passwd 4755");
    assert_eq!(one(&report, "RSK-SETID-SHELL")["severity"], "critical");
    assert_eq!(one(&report, "RSK-SETID")["path"], "/srv/own");
    assert_eq!(one(&report, "RSK-UNREADABLE-SETID")["severity"], "info");
    let finding = one(&report, "RSK-CAPABILITY");
    assert_eq!(finding["evidence"][0]["text"], "cap_dac_override,cap_fowner=ep", "a line feed in the value");
    assert_eq!(finding["severity"], "high");
}

#[test]
fn accounts_and_rights_to_write() {
    let layer = Layer::new()
        .dir("etc/")
        .file(
            "etc/passwd",
            "root:x:0:0::/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\na:x:7:7::/:/bin/sh\nb:x:7:7::/:/bin/sh\n",
        )
        .file("etc/shadow", "root:$6$abc$def:1:0:9:7:::\na::1:0:9:7:::\nb:*:1:0:9:7:::\n")
        .file("etc/sudoers.d/app", "# NOPASSWD: in a comment\napp ALL=(ALL) NOPASSWD: ALL\n")
        .file(
            "root/.ssh/authorized_keys",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA joe@laptop\n",
        )
        .file("etc/ld.so.preload", "/usr/lib/x.so\n")
        .mode(0o666)
        .file("etc/config", "x")
        .mode(0o777)
        .dir("srv/open/")
        .file("srv/open/inside", "x")
        .mode(0o1777)
        .dir("var/tmp/")
        .dir("srv/sticky/")
        .symlink("srv/link", "open");
    let mut config = clean_config();
    config["Env"] = json!(["PATH=/usr/bin:/srv/open"]);
    config["User"] = json!("a");
    let report = on_base(&config, layer);
    assert_eq!(one(&report, "RSK-UID0-ALIAS")["evidence"][0]["text"], "toor has uid 0");
    assert_eq!(one(&report, "RSK-DUPLICATE-UID")["evidence"][0]["text"], "a and b have uid 7");
    assert_eq!(one(&report, "RSK-EMPTY-PASSWORD")["path"], "/etc/shadow");
    assert_eq!(one(&report, "RSK-PASSWORD-HASH")["evidence"][0]["text"], "root has one, hashed by scheme 6");
    assert_eq!(one(&report, "RSK-SUDOERS")["evidence"][0]["text"], "app ALL=(ALL) NOPASSWD: ALL");
    assert_eq!(one(&report, "RSK-AUTHORIZED-KEYS")["evidence"][0]["text"], "ssh-ed25519 joe@laptop");
    assert_eq!(one(&report, "RSK-LD-PRELOAD")["path"], "/etc/ld.so.preload");
    assert_eq!(one(&report, "RSK-PATH")["subject"], "config Env PATH");
    let open = of(&report, "RSK-WORLD-WRITABLE");
    let mut paths: Vec<_> = open.iter().map(|finding| finding["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/etc/config", "/srv/open"]);
}

#[test]
fn a_plain_base_is_no_list_of_names() {
    let report = report_with(&image(&clean_config(), vec![(ROOT, Some(base()))]), &[]);
    assert!(findings(&report).len() <= 4, "{:?}", rules(&report));
}
