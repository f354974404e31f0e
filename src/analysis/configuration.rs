//! What the config and the history do that they should do otherwise.

use super::case::Case;
use super::content::Program;
use super::finding::{About, Confidence, Finding, Origin};
use super::instructions::{Instruction, commands};
use super::managers::Work;
use super::risk::{Usage, runs_as_root, user_exists};

/// Ports of remote access: ssh, telnet, an engine without TLS, remote desktops.
const REMOTE_PORTS: [u16; 5] = [22, 23, 2375, 3389, 5900];

/// Folders that no image should declare as volumes.
const SYSTEM_VOLUMES: [&str; 6] = ["/proc", "/sys", "/dev", "/var/run/docker.sock", "/run/docker.sock", "/etc"];

/// The last day of security support without extra pay, by release: debian.org/releases (with LTS), ubuntu.com,
/// alpinelinux.org/releases, endoflife.date. Days as the program was made; a release that is not here is not judged.
const END_OF_LIFE: [(&str, &str, &str); 26] = [
    ("debian", "8", "2020-06-30"),
    ("debian", "9", "2022-06-30"),
    ("debian", "10", "2024-06-30"),
    ("debian", "11", "2026-08-31"),
    ("debian", "12", "2028-06-30"),
    ("debian", "13", "2030-06-30"),
    ("ubuntu", "14", "2019-04-30"),
    ("ubuntu", "16", "2021-04-30"),
    ("ubuntu", "18", "2023-05-31"),
    ("ubuntu", "20", "2025-05-31"),
    ("ubuntu", "22", "2027-04-30"),
    ("ubuntu", "24", "2029-04-30"),
    ("centos", "6", "2020-11-30"),
    ("centos", "7", "2024-06-30"),
    ("centos", "8", "2024-05-31"),
    ("fedora", "39", "2024-11-26"),
    ("fedora", "40", "2025-05-13"),
    ("fedora", "41", "2025-12-15"),
    ("alpine", "3.16", "2024-05-23"),
    ("alpine", "3.17", "2024-11-22"),
    ("alpine", "3.18", "2025-05-09"),
    ("alpine", "3.19", "2025-11-01"),
    ("alpine", "3.20", "2026-04-01"),
    ("alpine", "3.21", "2026-11-01"),
    ("alpine", "3.22", "2027-05-01"),
    ("amzn", "1", "2023-12-31"),
];

/// Data of services, by a file that each keeps.
const STATE: [(&str, &str); 6] = [
    ("PG_VERSION", "PostgreSQL"),
    ("ibdata1", "MySQL"),
    ("WiredTiger", "MongoDB"),
    ("dump.rdb", "Redis"),
    ("appendonly.aof", "Redis"),
    ("mnesia", "RabbitMQ"),
];

/// Servers, each a service of its own.
const SERVERS: [&str; 17] = [
    "nginx",
    "apache2",
    "httpd",
    "mysqld",
    "mariadbd",
    "postgres",
    "redis-server",
    "mongod",
    "memcached",
    "rabbitmq-server",
    "sshd",
    "php-fpm",
    "haproxy",
    "varnishd",
    "named",
    "dovecot",
    "lighttpd",
];

/// Everything of it. `today` is a date as it is written, `2026-11-25`.
#[must_use]
pub fn findings(case: &Case<'_>, usage: &Usage, today: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if case.runtime.is_known() {
        found.extend(user(case));
        found.extend(started(case, usage));
        found.extend(exposed(case));
    }
    for instruction in &case.instructions.all {
        found.extend(history(case, instruction));
    }
    found.extend(services(case));
    found.extend(state(case));
    found.extend(end_of_life(case, today));
    found.extend(named(case));
    found
}

fn config(case: &Case<'_>, rule: &str, field: &str, text: String) -> Option<Finding> {
    let mut finding = Finding::new(&case.rule(rule)?, About::Config(field.to_owned()));
    finding.confidence = Confidence::Exact;
    finding.show("config", text);
    finding.mark(field.as_bytes());
    Some(finding)
}

fn user(case: &Case<'_>) -> Vec<Finding> {
    let user = case.runtime.user();
    let mut found = Vec::new();
    if !user_exists(case) {
        found.extend(config(case, "CFG-USER-MISSING", "User", format!("{user} is not in /etc/passwd")));
    } else if runs_as_root(case) {
        let shown = if user.is_empty() { "no user is set".to_owned() } else { format!("User is {user}") };
        found.extend(config(case, "CFG-ROOT", "User", shown));
    } else if user.split(':').next().unwrap_or_default().parse::<u32>().is_err() {
        found.extend(config(case, "CFG-USER-NAME", "User", format!("User is {user}")));
    }
    found
}

/// What is started: whether it is there, runs here, and runs directly.
fn started(case: &Case<'_>, usage: &Usage) -> Vec<Finding> {
    let mut found = Vec::new();
    for (field, words) in [("Entrypoint", case.runtime.entrypoint()), ("Cmd", case.runtime.command())] {
        if let [shell, flag, ..] = words.as_slice()
            && shell.ends_with("sh")
            && *flag == "-c"
        {
            found.extend(config(case, "CFG-SHELL-FORM", field, format!("{shell} -c …")));
        }
    }
    let is_whole = case.subject.stack.slots().iter().all(Option::is_some);
    if let Some(missing) = usage.missing.as_ref().filter(|_| is_whole) {
        found.extend(config(case, "CFG-NO-PROGRAM", "Entrypoint", missing.clone()));
    }
    let program = usage.main.and_then(|main| case.subject.gathered.fact(case.index(), main)?.program.as_ref());
    if let Some(Program::Elf(elf)) = program {
        let stated = case.subject.image.platform.architecture.as_str();
        let known = elf.architectures();
        if !known.is_empty() && !stated.is_empty() && !known.contains(&stated) {
            let text = format!("the image is for {stated}, the program for {}", known.join(", "));
            found.extend(config(case, "CFG-ARCHITECTURE", "architecture", text));
        }
    }
    // The OCI format has no health checks, so that buildah leaves them out.
    let is_buildah = case.runtime.labels().iter().any(|(name, _)| *name == "io.buildah.version");
    if !case.runtime.mentions_health_check() && !is_buildah && !case.runtime.ports().is_empty() {
        found.extend(config(case, "CFG-HEALTH-CHECK", "Healthcheck", "none is set".to_owned()));
    }
    found
}

fn exposed(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let ports = case.runtime.ports().into_iter().filter(|port| REMOTE_PORTS.contains(port));
    for port in ports {
        found.extend(config(case, "CFG-PORT-REMOTE", &format!("ExposedPorts {port}"), format!("port {port}")));
    }
    let is_system = |volume: &&str| SYSTEM_VOLUMES.contains(&volume.trim_end_matches('/'));
    for volume in case.runtime.volumes().into_iter().filter(is_system) {
        found.extend(config(case, "CFG-VOLUME-SYSTEM", &format!("Volumes {volume}"), volume.to_owned()));
    }
    let labels = case.runtime.labels();
    let tells = |part: &str| {
        labels.iter().any(|(name, _)| name.starts_with("org.opencontainers.image.") && name.ends_with(part))
    };
    if !tells("source") && !tells("revision") && !tells("version") {
        found.extend(config(case, "CFG-LABELS", "Labels", "neither source, revision nor version".to_owned()));
    }
    found
}

/// What an instruction does.
fn history(case: &Case<'_>, instruction: &Instruction) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |rule: &str, text: String| {
        let Some(rule) = case.rule(rule) else { return };
        let mut finding = Finding::new(&rule, About::History(instruction.step));
        finding.layer = instruction.layer;
        finding.confidence = Confidence::Exact;
        finding.origin = instruction.layer.map_or(Origin::Unknown, |layer| case.boundary.of(layer));
        finding.mark(text.as_bytes());
        finding.show("history", text);
        case.discount(&mut finding);
        found.push(finding);
    };
    if instruction.keyword == "ADD" {
        let mut words = instruction.text.split_whitespace();
        let address = words.clone().find(|word| word.starts_with("http://") || word.starts_with("https://"));
        if let Some(address) = address.filter(|_| !words.any(|word| word.starts_with("--checksum"))) {
            let shown = address.split_once('@').map_or(address, |(_, host)| host);
            tell("CFG-ADD-REMOTE", shown.to_owned());
        }
    }
    if instruction.keyword != "RUN" {
        return found;
    }
    let all = commands(&instruction.text);
    let word = |command: &[String], place: usize| command.get(place).cloned().unwrap_or_default();
    let asks = |work: Work| case.subject.rules.managers().asked(&instruction.text, work);
    if let Some(manager) = asks(Work::Update).filter(|_| asks(Work::Install).or_else(|| asks(Work::Upgrade)).is_none())
    {
        tell("CFG-UPDATE-ALONE", format!("{manager} updates its lists"));
    }
    if let Some(manager) = asks(Work::Upgrade) {
        tell("CFG-UPGRADE", format!("{manager} upgrades packages"));
    }
    if all.iter().any(|command| word(command, 0) == "sudo") {
        tell("CFG-SUDO", "sudo".to_owned());
    }
    let fetches = |command: &[String]| matches!(word(command, 0).as_str(), "curl" | "wget");
    let runs = |command: &[String]| {
        let first = word(command, 0);
        let is_shell =
            |name: &str| matches!(name.rsplit('/').next(), Some("sh" | "bash" | "ash" | "python" | "python3"));
        (is_shell(&first) && command.iter().skip(1).all(|word| word.starts_with('-')))
            || (first == "sudo" && command.iter().any(|word| is_shell(word)))
    };
    // Commands of a pipe stand side by side; a fetch that `&&` joins to a shell has a file in between.
    let is_piped = instruction.text.contains('|') && !instruction.text.contains("||");
    if let Some(pair) = all.windows(2).find(|pair| is_piped && fetches(&pair[0]) && runs(&pair[1])) {
        let address = pair[0].iter().find(|word| word.contains("://")).map_or("", String::as_str);
        let host = address.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        tell("CFG-PIPE-SHELL", format!("{} {host} | {}", word(&pair[0], 0), word(&pair[1], 0)));
    }
    found
}

/// A supervisor that is started, or servers of several kinds side by side.
fn services(case: &Case<'_>) -> Option<Finding> {
    let words = case.runtime.words();
    let is_supervisor = |word: &&&str| {
        matches!(word.rsplit('/').next(), Some("supervisord" | "s6-svscan" | "runsvdir" | "systemd" | "init" | "monit"))
    };
    if let Some(supervisor) = words.iter().take(2).find(is_supervisor) {
        return config(case, "CFG-SERVICES", "Entrypoint", format!("{supervisor} starts several"));
    }
    let mut servers: Vec<&str> = SERVERS
        .into_iter()
        .filter(|server| {
            ["usr/sbin", "usr/bin", "usr/local/bin", "usr/local/sbin"].iter().any(|folder| {
                let found = case.merged.resolve(format!("{folder}/{server}").as_bytes());
                found.is_some_and(|found| {
                    case.merged.mode(found.live) & 0o111 != 0 && case.merged.file(found.live).is_some()
                })
            })
        })
        .collect();
    servers.dedup();
    let ports = case.runtime.ports().len();
    let several = servers.len() >= 2 && ports >= 2;
    several.then(|| config(case, "CFG-SERVICES", "ExposedPorts", servers.join(", "))).flatten()
}

/// Data of a service that no volume covers.
fn state(case: &Case<'_>) -> Vec<Finding> {
    let index = case.index();
    let volumes: Vec<&str> = case.runtime.volumes().into_iter().map(|volume| volume.trim_matches('/')).collect();
    let mut found = Vec::new();
    for (path, live, entry) in case.merged.all() {
        let name = index.name(path);
        let Some((_, service)) = STATE.iter().find(|(file, _)| file.as_bytes() == name) else { continue };
        let spelled = index.path(path);
        let shown = String::from_utf8_lossy(&spelled);
        let is_volume = volumes.iter().any(|volume| shown.starts_with(volume));
        if is_volume || spelled.starts_with(b"usr/share/") || (entry.size == 0 && *service != "RabbitMQ") {
            continue;
        }
        let Some(rule) = case.rule("CFG-STATE") else { continue };
        let mut finding = case.about(&rule, path, live);
        finding.show("path", format!("data of {service}"));
        case.discount(&mut finding);
        found.push(finding);
    }
    found
}

fn end_of_life(case: &Case<'_>, today: &str) -> Option<Finding> {
    let distribution = &case.distribution;
    let release = if distribution.id == "alpine" {
        distribution.version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
    } else {
        distribution.release().to_owned()
    };
    let (_, _, end) = END_OF_LIFE.iter().find(|(id, version, _)| *id == distribution.id && *version == release)?;
    if today <= *end {
        return None;
    }
    let mut finding = Finding::new(&case.rule("CFG-END-OF-LIFE")?, About::Image);
    finding.confidence = Confidence::Exact;
    finding.show("content", format!("{} {} had its last fixes on {end}", distribution.id, distribution.version));
    finding.mark(b"");
    Some(finding)
}

/// A tag that says nothing. An id or digest says everything.
fn named(case: &Case<'_>) -> Option<Finding> {
    let reference = case.subject.reference;
    let tag = reference.rsplit('/').next()?.rsplit_once(':').map(|(_, tag)| tag);
    (tag == Some("latest")).then(|| config(case, "CFG-LATEST", "reference", reference.to_owned())).flatten()
}
