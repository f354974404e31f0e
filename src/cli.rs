//! What was typed. What it means is decided in `settings`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// See what is in a container image, layer by layer, and what of it is shipped for nothing.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "layerscope",
    version,
    max_term_width = 100,
    after_help = AFTER_HELP,
    disable_help_subcommand = true
)]
#[allow(clippy::struct_excessive_bools)] // Switches are what a command line is made of.
pub struct Cli {
    /// Something else than to open an image.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The image: a name, id or digest in a local engine; an archive file; `-` for standard input; a folder with an
    /// OCI layout; or `demo` for the small image that layerscope carries.
    #[arg(value_name = "IMAGE", long_help = IMAGE_HELP)]
    pub image: Option<String>,

    /// Read from this source, whatever the reference looks like.
    #[arg(long, value_name = "SOURCE", value_enum, help_heading = "Source")]
    pub source: Option<SourceName>,

    /// The platform to read where the source holds several: os/arch or os/arch/variant. Default: this machine's.
    #[arg(long, value_name = "PLATFORM", help_heading = "Source")]
    pub platform: Option<String>,

    /// The image to read where an archive or a folder holds several: a name, a tag, or the beginning of an id.
    #[arg(long = "image", value_name = "NAME", help_heading = "Source")]
    pub choose: Option<String>,

    /// How an image in an engine is read: `store`, where it lies on this machine, or `export`. Default: what is known from
    /// the cache, else the store where this user may read it, else the export.
    #[arg(long, value_name = "METHOD", value_enum, help_heading = "Source")]
    pub source_method: Option<MethodName>,

    /// Read everything anew, and keep nothing of it.
    #[arg(long, help_heading = "Source")]
    pub no_cache: bool,

    /// Compute every digest and hold it against what the image states.
    #[arg(long, help_heading = "Source")]
    pub verify: bool,

    /// Accept an image of which some layer cannot be read, instead of exit code 4.
    #[arg(long, help_heading = "Source")]
    pub allow_partial: bool,

    /// Do not search texts for secrets. Everything else is found all the same.
    #[arg(long, help_heading = "Findings", conflicts_with = "secrets")]
    pub no_scan: bool,

    /// Which secrets are looked for: `strict`, those whose form tells them, or `generic`, in files that no package owns
    /// also what is assigned to names such as `password`, and what is as random as a key. Default: strict.
    #[arg(long, value_name = "WHICH", value_enum, help_heading = "Findings")]
    pub secrets: Option<SecretsName>,

    /// Rules of your own beside those of the program: a TOML file.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub rules: Option<PathBuf>,

    /// The Dockerfile that the image was built from: the report then holds the fixes as a diff of it and of the
    /// `.dockerignore` beside it.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub dockerfile: Option<PathBuf>,

    /// Judge the image by limits and set the exit code. On by itself when a limit is given, and when CI is `true`, `1` or
    /// `yes` in the environment.
    #[arg(long, help_heading = "Gate")]
    pub ci: bool,

    /// The file with the limits, in dive's format. Default: `.dive-ci` in the working folder, if there is one.
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    pub ci_config: Option<PathBuf>,

    /// Lowest efficiency that passes, 0 to 1, by dive's formula; `disabled` turns the rule off. Default: 0.9.
    #[arg(
        long = "lowestEfficiency",
        alias = "lowest-efficiency",
        value_name = "RATIO",
        allow_hyphen_values = true,
        help_heading = "Gate"
    )]
    pub lowest_efficiency: Option<String>,

    /// Most wasted bytes that pass, such as 20MB, by dive's formula; `disabled` turns the rule off. Default: disabled.
    #[arg(
        long = "highestWastedBytes",
        alias = "highest-wasted-bytes",
        value_name = "SIZE",
        allow_hyphen_values = true,
        help_heading = "Gate"
    )]
    pub highest_wasted_bytes: Option<String>,

    /// Highest share of wasted bytes that passes, 0 to 1, the first layer left out, by dive's formula; `disabled` turns
    /// the rule off. Default: 0.1.
    #[arg(
        long = "highestUserWastedPercent",
        alias = "highest-user-wasted-percent",
        value_name = "RATIO",
        allow_hyphen_values = true,
        help_heading = "Gate"
    )]
    pub highest_user_wasted_percent: Option<String>,

    /// Fail if any finding is this grave or worse: info, low, medium, high or critical. Turns the gate on.
    #[arg(long, value_name = "SEVERITY", value_enum, help_heading = "Gate")]
    pub fail_on: Option<SeverityName>,

    /// Write the JSON report to this file; `-` is standard output, and the text then goes to standard error if --ci is
    /// given, and nowhere else.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Put every path with its versions into the JSON report.
    #[arg(long, help_heading = "Output")]
    pub files: bool,

    /// What to write to standard output, or to --json FILE where one is given: `text`, `json` (layerscope/report/1),
    /// or `dive-json` (the export of dive).
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub format: Option<Format>,

    /// Colours of the explorer: `ansi` (the terminal's own sixteen), `dark`, `light`, `cvd` (told apart by everybody),
    /// `mono`, or a theme file of yours. Default: ansi.
    #[arg(long, value_name = "THEME", help_heading = "Explorer")]
    pub theme: Option<String>,

    /// Draw with ASCII alone, for poor fonts.
    #[arg(long, help_heading = "Explorer")]
    pub ascii: bool,

    /// Leave the mouse to the terminal.
    #[arg(long, help_heading = "Explorer")]
    pub no_mouse: bool,

    /// The keys: the default ones, or the same with those of dive.
    #[arg(long, value_name = "KEYMAP", value_enum, help_heading = "Explorer")]
    pub keymap: Option<KeymapName>,

    /// Draw on standard error, and print the path that is chosen when the explorer is left (not with Ctrl-C).
    #[arg(long, help_heading = "Explorer")]
    pub print_selection: bool,

    /// Colours: on a terminal, always, or never. Default: auto.
    #[arg(long, value_name = "WHEN", value_enum, help_heading = "Settings")]
    pub color: Option<ColourWhen>,

    /// How sizes are written: 1 kB is 1000 bytes (`si`), or 1 KiB is 1024 (`iec`). Default: si.
    #[arg(long, value_name = "UNITS", value_enum, help_heading = "Settings")]
    pub units: Option<UnitsName>,

    /// The config file. Default: layerscope/config.toml in the user's config folder, if there is one.
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub config: Option<PathBuf>,

    /// Print the settings as they are now, as a config file with comments, and end.
    #[arg(long, help_heading = "Settings")]
    pub print_config: bool,

    /// No progress on standard error.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}

const IMAGE_HELP: &str = "\
The image to read. Where it is found automatically:
  NAME, ID, DIGEST              a local engine: Docker, then Podman
  FILE                          an archive: docker save, podman save, skopeo, kaniko, OCI; also .tar.gz and .tar.zst
  FOLDER                        an OCI layout
  -                             an archive on standard input
  demo                          the small image that layerscope carries
Where it is said:
  docker://NAME                 the Docker engine (also docker-daemon:NAME)
  podman://NAME                 Podman's API socket
  docker-archive://FILE         a docker save archive (also docker-archive:FILE)
  oci-archive://FILE            a tar of an OCI layout (also oci-archive:FILE[:TAG])
  oci://FOLDER[:TAG]            an OCI layout (also oci:FOLDER[:TAG])";

const AFTER_HELP: &str = "\
Exit codes:
  0    the image was read, and the gate passed if there was one
  1    the gate failed
  2    wrong usage or configuration, or output that could not be written
  3    the image cannot be found or read
  4    something in the image could not be read and --allow-partial was not given
  130  interrupted

Examples:
  layerscope nginx:latest
  layerscope image.tar
  docker save app | layerscope -
  layerscope --ci --highestWastedBytes 20MB --json report.json app:latest
  layerscope demo";

/// How an image in an engine is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// Where it lies on this machine.
    Store,
    /// As the engine exports it.
    Export,
}

/// Work beside reading images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Look after what is kept of layers that were read, so that they need not be read again.
    #[command(subcommand)]
    Cache(CacheWork),
}

/// What is to be done with the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum CacheWork {
    /// Say where it is and what it holds.
    Info,
    /// Remove what was not used for the longest time until the rest is below the limit, and what was left unfinished.
    Prune,
    /// Remove everything.
    Clear,
}

/// A source by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SourceName {
    /// The Docker engine.
    Docker,
    /// Podman's API socket.
    Podman,
    /// A docker save archive.
    DockerArchive,
    /// A tar of an OCI layout.
    OciArchive,
    /// A folder with an OCI layout.
    Oci,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeverityName {
    /// Worth knowing.
    Info,
    /// Worth mending.
    Low,
    /// Should be mended before the image ships.
    Medium,
    /// Must be mended.
    High,
    /// Must be mended now.
    Critical,
}

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// layerscope/report/1.
    Json,
    /// dive's export.
    DiveJson,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourWhen {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How sizes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnitsName {
    /// Powers of 1000.
    Si,
    /// Powers of 1024.
    Iec,
}

/// Which secrets are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretsName {
    /// Those whose form tells them.
    Strict,
    /// Also those that only a name or their entropy tells.
    Generic,
}

/// Keys that the program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeymapName {
    /// Plain keys, arrows and vim's.
    Default,
    /// The same with those of dive.
    Dive,
}

/// Order of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortName {
    /// Largest first.
    Size,
    /// By name.
    Name,
    /// Most things below first.
    Count,
    /// Most hidden bytes first.
    Hidden,
    /// Changed last first.
    Time,
}

/// Where a plain name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Docker, then Podman.
    Any,
    /// Docker alone.
    Docker,
    /// Podman alone.
    Podman,
}
