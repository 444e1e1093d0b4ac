use super::answers::Answers;
use crate::{commands::keys, failure::Failure};
use alloy_primitives::{Address, B256};
use include_dir::{Dir, include_dir};
use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};
use rollwright::{core::Clock, da_local::NetworkId, node::SystemClock};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../templates");

/// A file of the generated project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    /// Path inside the project, with `/`.
    pub(super) path: String,
    /// Content.
    pub(super) content: String,
    /// Readable by its owner only.
    pub(super) private: bool,
}

/// Every file of the project. Equal answers give equal files, but for the
/// sequencer's key and the chain's identity, which are random.
///
/// Template files end in `.j2`, which is cut off; a name's leading `_` stands
/// for a dot, so that tools do not treat the template as a project.
pub(super) fn project(answers: &Answers) -> Result<Vec<Rendered>, Failure> {
    let folder = TEMPLATES.get_dir(&answers.template).ok_or_else(|| {
        Failure::new(
            "RW-CLI-004",
            format!("this binary has no template `{}`", answers.template),
        )
    })?;
    let secret = keys::random();
    let genesis = genesis(answers, keys::address(&secret));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax().map_err(|error| broken("syntax", &error))?);
    let dependency = match &answers.kit_path {
        Some(path) => format!(
            "{{ path = {:?}, features = [\"celestia\", \"ethereum\"] }}",
            path.join("kit/rollwright").display().to_string()
        ),
        None => format!(
            "{{ version = {:?}, features = [\"celestia\", \"ethereum\"] }}",
            answers.version
        ),
    };
    let values = context! {
        name => &answers.name,
        type_name => answers.type_name(),
        crate_name => answers.name.replace('-', "_"),
        chain_id => answers.chain_id,
        da => &answers.da,
        version => &answers.version,
        dependency => dependency,
        genesis => genesis,
        sequencer_key => keys::text(&secret),
        answers => toml_edit::ser::to_string_pretty(answers).map_err(|error| broken(".rollwright/answers.toml", &error))?,
    };
    let mut files = Vec::new();
    collect(folder, &mut |path, content| {
        let path = target(path);
        // A kit in a folder of this machine is not there where CI runs.
        if answers.kit_path.is_some() && path.starts_with(".github/") {
            return Ok(());
        }
        let content = environment
            .render_str(content, &values)
            .map_err(|error| broken(&path, &error))?;
        files.push(Rendered {
            private: path.starts_with("keys/"),
            path,
            content,
        });
        Ok(())
    })?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The genesis file of a new chain, made by the code that reads it. Network
/// and salt are random, so that no two projects share a chain.
fn genesis(answers: &Answers, sequencer: Address) -> String {
    let clock = SystemClock;
    // Below the time of the DA layer's first block, which is made later.
    let now = (clock.now_ms() / 1000).saturating_sub(1);
    let network = NetworkId::random().to_string();
    rollwright::dev::new_genesis(answers.chain_id, sequencer, &network, B256::random(), now)
}

fn collect(
    folder: &Dir<'_>,
    visit: &mut impl FnMut(&str, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for file in folder.files() {
        let path = file.path().to_string_lossy();
        let path = path.split_once('/').map_or(path.as_ref(), |(_, rest)| rest);
        let content = file
            .contents_utf8()
            .ok_or_else(|| broken(path, &"not text"))?;
        visit(path, content)?;
    }
    folder.dirs().try_for_each(|inner| collect(inner, visit))
}

/// The default syntax, with files that end in a newline.
fn syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder().keep_trailing_newline(true).build()
}

fn target(path: &str) -> String {
    let path = path.strip_suffix(".j2").unwrap_or(path);
    path.split('/')
        .map(|part| {
            part.strip_prefix('_')
                .map_or_else(|| part.to_owned(), |rest| format!(".{rest}"))
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn broken(path: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        "RW-CLI-004",
        format!("the template's file {path} cannot be rendered: {error}"),
    )
    .help("this is a defect of the kit; please report it")
}
