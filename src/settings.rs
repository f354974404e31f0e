//! What the command line and the environment mean together: defaults, then the file, then the environment, then flags.

mod file;
mod preferences;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::analysis::dockerfile::{self, Dockerfile};
use crate::analysis::finding::Severity;
use crate::analysis::rules::Rules;
use crate::analysis::secrets::Search;
use crate::cache::{self, Cache};
use crate::cli::{Cli, ColourWhen, EngineName, Format, MethodName, SecretsName, SeverityName, SourceName};
use crate::error::{Error, Result};
use crate::image::Wanted;
use crate::policy::{Flags, Thresholds, thresholds};
use crate::session::{Method, Options};
use crate::source::reference::{EngineKind, Reference, SourceKind};

pub use file::{config_folder, preferences};
pub use preferences::{Bindings, Preferences};

/// The file with limits that dive looks for in the working folder.
const DIVE_CI: &str = ".dive-ci";

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Switches, as on the command line.
pub struct Settings {
    /// Where the image is; `None` lets the user choose among those of the engines.
    pub reference: Option<Reference>,
    /// The reference as it was typed.
    pub typed: String,
    /// What to read of it and how.
    pub options: Options,
    /// Whether a layer that cannot be read is accepted.
    pub allow_partial: bool,
    /// The limits, when there is a gate.
    pub gate: Option<Thresholds>,
    /// How grave a finding must be to fail the gate; `None` is never.
    pub fail_on: Option<Severity>,
    /// What is written where.
    pub outputs: Outputs,
    /// Whether every path goes into the JSON report.
    pub files: bool,
    /// What is looked for.
    pub rules: Rules,
    /// What the image was built from, if that is at hand.
    pub dockerfile: Option<Dockerfile>,
    /// No progress.
    pub quiet: bool,
    /// Whether the explorer opens: standard output is a terminal that can do it, and nothing else was asked for.
    pub explore: bool,
    /// Whether the path that is chosen in the explorer is printed.
    pub print_selection: bool,
    /// When there are colours, whatever said so.
    pub colour: ColourWhen,
    /// What the user wants to keep.
    pub preferences: Preferences,
    /// The folder with the user's themes.
    pub themes: Option<PathBuf>,
}

/// What is written where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    /// What goes to standard output, if anything.
    pub stdout: Option<Format>,
    /// A file, with what goes there.
    pub file: Option<(PathBuf, Format)>,
    /// Whether the text report goes to standard error, because standard output carries data.
    pub text_on_stderr: bool,
}

impl Settings {
    /// Puts everything together. `environment` looks up a variable; `folder` is where the config file is looked for.
    ///
    /// # Errors
    /// Whatever contradicts itself or cannot be understood, and a limits file that cannot be read.
    pub fn new(cli: &Cli, environment: impl Fn(&str) -> Option<String>, folder: Option<&Path>) -> Result<Self> {
        let (preferences, themes) = preferences(cli, &environment, folder)?;
        let source = cli.source.map(SourceKind::from);
        let ci = is_judged(cli, &environment);
        let wants_report = ci || cli.format.is_some() || cli.json.is_some();
        let explore = if cli.print_selection {
            can_print_selection(cli, &environment)?
        } else {
            !wants_report && can_explore(std::io::stdout().is_terminal(), &environment)
        };
        let reference = match cli.image.as_deref() {
            Some("demo") if source.is_none() => Some(Reference::Demo),
            Some(typed) => Some(in_engine(Reference::parse(typed, source)?, preferences.engine)),
            // The explorer asks.
            None if explore => None,
            None => {
                return Err(Error::usage("no image is named").hint(
                    "layerscope IMAGE, for example: layerscope nginx:latest\nto look around first: layerscope demo",
                ));
            }
        };
        let platform = Some(preferences.platform.as_str()).filter(|platform| !platform.is_empty());
        let platform = platform.map(str::parse).transpose()?;
        let rules = rules(cli)?;
        Ok(Self {
            reference,
            typed: cli.image.clone().unwrap_or_default(),
            options: Options {
                wanted: Wanted { image: cli.choose.clone(), platform },
                verify: cli.verify,
                search: if cli.no_scan { Search::Nothing } else { preferences.secrets.into() },
                looked_into: rules.looked_into(),
                method: cli.source_method.map(|method| match method {
                    MethodName::Store => Method::Store,
                    MethodName::Export => Method::Export,
                }),
                cache: cache::folder(&environment)
                    // What such rules look into is not kept by a run that did not know them.
                    .filter(|_| !cli.no_cache && rules.looked_into().is_empty())
                    .map(|folder| Cache::new(folder, cache::LIMIT)),
                ..Options::default()
            },
            allow_partial: cli.allow_partial,
            gate: ci.then(|| gate(cli)).transpose()?,
            fail_on: cli.fail_on.map(Severity::from),
            outputs: outputs(cli, ci)?,
            files: cli.files,
            rules,
            dockerfile: dockerfile(cli)?,
            quiet: cli.quiet,
            explore,
            print_selection: cli.print_selection,
            colour: colour(cli, &environment, &preferences),
            preferences,
            themes,
        })
    }
}

/// Whether the image is judged: asked for, in a pipeline, or because a limit is given. A limit that nobody looks at
/// would be a gate that silently does nothing.
fn is_judged(cli: &Cli, environment: impl Fn(&str) -> Option<String>) -> bool {
    let in_pipeline = || {
        environment("CI")
            .is_some_and(|value| matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
    };
    cli.ci || cli.ci_config.is_some() || cli.fail_on.is_some() || flags(cli) != Flags::default() || in_pipeline()
}

/// Whether a stream is a terminal that can show the explorer.
fn can_explore(is_terminal: bool, environment: impl Fn(&str) -> Option<String>) -> bool {
    is_terminal && environment("TERM").is_some_and(|term| term != "dumb")
}

/// Standard output carries the choice, so that the explorer needs standard error.
fn can_print_selection(cli: &Cli, environment: impl Fn(&str) -> Option<String>) -> Result<bool> {
    if cli.ci || cli.format.is_some() || cli.json.is_some() {
        return Err(Error::usage("--print-selection opens the explorer, and a report was asked for as well")
            .hint("give only one of the two"));
    }
    if !can_explore(std::io::stderr().is_terminal(), environment) {
        return Err(Error::usage("--print-selection needs a terminal on standard error to draw on"));
    }
    Ok(true)
}

/// A plain name is looked up where the user wants it.
fn in_engine(reference: Reference, engine: EngineName) -> Reference {
    let wanted = match engine {
        EngineName::Any => EngineKind::Any,
        EngineName::Docker => EngineKind::Docker,
        EngineName::Podman => EngineKind::Podman,
    };
    match reference {
        Reference::Engine { engine: EngineKind::Any, name } => Reference::Engine { engine: wanted, name },
        said => said,
    }
}

/// When there are colours: what was typed, then NO_COLOR (<https://no-color.org>), then what the user keeps, then
/// CLICOLOR_FORCE and CLICOLOR (<https://bixense.com/clicolors/>).
fn colour(cli: &Cli, environment: impl Fn(&str) -> Option<String>, preferences: &Preferences) -> ColourWhen {
    let says = |name: &str| environment(name).filter(|value| !value.is_empty());
    match (cli.color, preferences.colour) {
        (Some(typed @ (ColourWhen::Always | ColourWhen::Never)), _) => typed,
        _ if says("NO_COLOR").is_some() => ColourWhen::Never,
        (_, kept @ (ColourWhen::Always | ColourWhen::Never)) => kept,
        _ if says("CLICOLOR_FORCE").is_some_and(|value| value != "0") => ColourWhen::Always,
        _ if says("CLICOLOR").is_some_and(|value| value == "0") => ColourWhen::Never,
        _ => ColourWhen::Auto,
    }
}

fn flags(cli: &Cli) -> Flags {
    Flags {
        lowest_efficiency: cli.lowest_efficiency.clone(),
        highest_wasted_bytes: cli.highest_wasted_bytes.clone(),
        highest_user_wasted_percent: cli.highest_user_wasted_percent.clone(),
    }
}

fn gate(cli: &Cli) -> Result<Thresholds> {
    let found = || Some(PathBuf::from(DIVE_CI)).filter(|file| file.exists());
    let file = cli.ci_config.clone().or_else(found);
    thresholds(&flags(cli), file.as_deref())
}

/// The rules that come with the program, and those of the user's file.
fn rules(cli: &Cli) -> Result<Rules> {
    let mut rules = Rules::built_in()?;
    if let Some(path) = &cli.rules {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("cannot read the rules in {shown}")).caused_by(&error))?;
        rules
            .add(&text)
            .map_err(|error| Error::usage(format!("the rules in {shown} are broken")).because(error.one_line()))?;
    }
    Ok(rules)
}

/// The Dockerfile that is to be mended.
fn dockerfile(cli: &Cli) -> Result<Option<Dockerfile>> {
    let Some(path) = &cli.dockerfile else { return Ok(None) };
    let text = short_text(path)?;
    let name = path.file_name().map_or_else(|| "Dockerfile".into(), |name| name.to_string_lossy().into_owned());
    // What is called like the Dockerfile comes before what all of the folder share.
    let own = format!("{name}.dockerignore");
    let ignore = if path.with_file_name(&own).exists() { own.as_str() } else { ".dockerignore" };
    let beside = path.with_file_name(ignore);
    let ignored = beside.exists().then(|| short_text(&beside)).transpose()?;
    Ok(Some(Dockerfile::read(&text).named(&name, (ignore, ignored))))
}

/// The text of a Dockerfile, or of what stands beside it.
fn short_text(path: &Path) -> Result<String> {
    let unreadable = || Error::usage(format!("cannot read {}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable().caused_by(&error))?.len();
    if size > dockerfile::MOST_BYTES {
        return Err(unreadable().because(format!("it has {size} bytes; the limit is {}", dockerfile::MOST_BYTES)));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable().caused_by(&error))
}

fn outputs(cli: &Cli, ci: bool) -> Result<Outputs> {
    let data = match cli.format {
        Some(Format::DiveJson) => Format::DiveJson,
        Some(Format::Text | Format::Json) | None => Format::Json,
    };
    if cli.files && data == Format::DiveJson {
        return Err(Error::usage("--files is part of the json format, not of dive-json")
            .hint("dive-json lists the files of each layer always"));
    }
    let outputs = match (&cli.json, cli.format) {
        (Some(path), _) if path == Path::new("-") => Outputs { stdout: Some(data), file: None, text_on_stderr: ci },
        (Some(path), _) => {
            Outputs { stdout: Some(Format::Text), file: Some((path.clone(), data)), text_on_stderr: false }
        }
        (None, Some(Format::Json | Format::DiveJson)) => Outputs { stdout: Some(data), file: None, text_on_stderr: ci },
        (None, Some(Format::Text) | None) => Outputs { stdout: Some(Format::Text), file: None, text_on_stderr: false },
    };
    if cli.files && outputs.file.is_none() && outputs.stdout != Some(Format::Json) {
        return Err(Error::usage("--files needs a JSON report to go into")
            .hint("add --json FILE, or --json - for standard output"));
    }
    Ok(outputs)
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Low => Self::Low,
            SeverityName::Medium => Self::Medium,
            SeverityName::High => Self::High,
            SeverityName::Critical => Self::Critical,
        }
    }
}

impl From<SecretsName> for Search {
    fn from(name: SecretsName) -> Self {
        match name {
            SecretsName::Strict => Self::Strict,
            SecretsName::Generic => Self::Generic,
        }
    }
}

impl From<SourceName> for SourceKind {
    fn from(name: SourceName) -> Self {
        match name {
            SourceName::Docker => Self::Docker,
            SourceName::Podman => Self::Podman,
            SourceName::DockerArchive => Self::DockerArchive,
            SourceName::OciArchive => Self::OciArchive,
            SourceName::Oci => Self::Oci,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn settings(line: &str, environment: &[(&str, &str)]) -> Result<Settings> {
        let cli = Cli::try_parse_from(std::iter::once("layerscope").chain(line.split_whitespace())).unwrap();
        Settings::new(
            &cli,
            |name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
            None,
        )
    }

    #[test]
    fn what_is_nearer_to_the_user_decides_on_colours() {
        let colour = |line: &str, environment: &[(&str, &str)]| settings(line, environment).unwrap().colour;
        assert_eq!(colour("demo", &[]), ColourWhen::Auto);
        assert_eq!(colour("demo", &[("NO_COLOR", "")]), ColourWhen::Auto);
        assert_eq!(colour("demo", &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), ColourWhen::Never);
        assert_eq!(colour("demo", &[("NO_COLOR", "1"), ("LAYERSCOPE_COLOR", "always")]), ColourWhen::Never);
        assert_eq!(colour("--color always demo", &[("NO_COLOR", "1")]), ColourWhen::Always);
        assert_eq!(colour("--color auto demo", &[("NO_COLOR", "1")]), ColourWhen::Never);
        assert_eq!(colour("demo", &[("LAYERSCOPE_COLOR", "always")]), ColourWhen::Always);
        assert_eq!(colour("demo", &[("CLICOLOR_FORCE", "1")]), ColourWhen::Always);
        assert_eq!(colour("demo", &[("CLICOLOR_FORCE", "0")]), ColourWhen::Auto);
        assert_eq!(colour("demo", &[("CLICOLOR", "0")]), ColourWhen::Never);
    }

    #[test]
    fn a_plain_name_goes_where_the_user_wants() {
        let engine = |line: &str| match settings(line, &[("LAYERSCOPE_ENGINE", "podman")]).unwrap().reference {
            Some(Reference::Engine { engine, .. }) => Some(engine),
            _ => None,
        };
        assert_eq!(engine("no-such-file"), Some(EngineKind::Podman));
        assert_eq!(engine("docker://no-such-file"), Some(EngineKind::Docker));
        assert_eq!(engine("demo"), None);
    }

    #[test]
    fn the_gate_is_on_by_flag_or_environment() {
        assert!(settings("demo", &[]).unwrap().gate.is_none());
        assert!(settings("--ci demo", &[]).unwrap().gate.is_some());
        for on in ["true", "1", "yes", "TRUE"] {
            assert!(settings("demo", &[("CI", on)]).unwrap().gate.is_some(), "{on}");
        }
        for off in ["", "false", "0", "no"] {
            assert!(settings("demo", &[("CI", off)]).unwrap().gate.is_none(), "{off}");
        }
    }

    #[test]
    fn limits_come_in_both_spellings_and_turn_the_gate_on() {
        assert!(settings("--ci --lowestEfficiency 0.8 demo", &[]).is_ok());
        assert!(
            settings(
                "--ci --lowest-efficiency 0.8 --highest-wasted-bytes 1MB --highest-user-wasted-percent 0.2 demo",
                &[]
            )
            .is_ok()
        );
        assert!(settings("--lowestEfficiency 0.8 demo", &[]).unwrap().gate.is_some());
    }

    #[test]
    fn data_and_text_never_mix() {
        let outputs = |line: &str| settings(line, &[]).unwrap().outputs;
        assert_eq!(outputs("demo"), Outputs { stdout: Some(Format::Text), file: None, text_on_stderr: false });
        assert_eq!(outputs("--json - demo"), Outputs { stdout: Some(Format::Json), file: None, text_on_stderr: false });
        assert_eq!(
            outputs("--ci --json - demo"),
            Outputs { stdout: Some(Format::Json), file: None, text_on_stderr: true }
        );
        assert_eq!(outputs("--json x --format dive-json demo").file, Some((PathBuf::from("x"), Format::DiveJson)));
        assert_eq!(outputs("--format dive-json demo").stdout, Some(Format::DiveJson));
        assert!(settings("--files demo", &[]).is_err());
    }
}
