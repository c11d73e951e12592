//! `huedb token`: who may ask a server of the file for what.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Args, Subcommand, ValueHint};
use huedb::error::{Error, Result};
use huedb::query::Filter;
use huedb::record::{Grant, NamePattern, Rate, Role, Token, TokenText};
use huedb::store::Access;

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::Properties;

/// Create, list and revoke tokens for huedb serve
///
/// A token says what its holder may do, and where. The file keeps what it takes to know a token again, not the token itself: that is printed once.
/// As soon as a file has tokens, its server answers no request without one.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  huedb token create admin --role admin
  huedb token create ci --role writer --tenant acme --collection 'notes-*' --expires 90d --rate 100/s
  huedb token create ann --role reader --where 'user = \"ann\"'
  huedb token rotate ci --overlap 24h
  huedb token revoke ci")]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    action: TokenAction,
}

#[derive(Debug, Subcommand)]
enum TokenAction {
    /// Create a token and print it (and the database file if needed)
    ///
    /// --tenant and --database limit it to tenants and databases of these names; `acme-*` stands for all that start so, and
    /// without the flag it is good in all. A token with --where reads and deletes the records that pass the filter, as if there were no others; it adds and changes nothing.
    Create(Box<CreateTokenArgs>),
    /// List all tokens
    List,
    /// Show a token's role, its scope and when it expires
    Show {
        /// Name or id
        name: String,
    },
    /// Remove a token; it is refused from the next request on
    Revoke {
        /// Name or id
        name: String,
    },
    /// Print a new token of the same role and scope; the old one stays good for a while
    Rotate {
        /// Name or id
        name: String,

        /// How long the old one stays good, as in 24h
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
        overlap: Duration,

        /// Take the new token from a file
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        token_file: Option<PathBuf>,
    },
    /// Print a token that is stored nowhere, for --token-file
    Generate,
}

#[derive(Debug, Args)]
struct CreateTokenArgs {
    /// Name, for lists and logs
    name: String,

    /// What it may do: monitor (read metrics), reader, writer or admin
    #[arg(long, value_name = "ROLE", value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|role| role.parse::<Role>()))]
    role: Role,

    /// Collections it is good for: a name, or `notes-*`
    #[arg(long, value_name = "PATTERN", default_value = "*", value_parser = pattern)]
    collection: NamePattern,

    /// Records it is good for
    #[arg(long = "where", value_name = "FILTER")]
    filter: Option<String>,

    /// How long it is good, as in 90d; for ever without it
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<Duration>,

    /// Requests a second, as in 100/s
    #[arg(long, value_name = "N/s")]
    rate: Option<Rate>,

    /// Keep the token that is in a file, as `huedb token generate` prints one, and do nothing if it is kept already
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    file: NewFileArgs,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 90d, 24h or 30m"))
}

fn pattern(text: &str) -> Result<NamePattern, String> {
    NamePattern::parse(text).map_err(|error| error.to_string())
}

impl TokenArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        match self.action {
            TokenAction::Create(args) => args.run(context)?,
            TokenAction::List => {
                let tokens = context.open(Access::Read)?.tokens()?.tokens()?;
                context.list(&tokens.iter().map(described).collect::<Vec<_>>())?;
            }
            TokenAction::Show { name } => {
                let tokens = context.open(Access::Read)?.tokens()?.tokens()?;
                let mut named = tokens.iter().filter(|token| token.name == name || token.id == name).peekable();
                if named.peek().is_none() {
                    let mut known: Vec<String> = tokens.iter().map(|token| token.name.clone()).collect();
                    known.dedup();
                    return Err(Error::TokenNotFound { name, known });
                }
                for token in named {
                    context.facts(&described(token))?;
                }
            }
            TokenAction::Revoke { name } => {
                let place = context.open(Access::Write)?;
                let revoked = place.tokens()?.revoke_token(&name)?;
                let is_last = !place.tokens()?.has_tokens()?;
                place.close()?;
                let what = if revoked == 1 { "token".to_owned() } else { format!("{revoked} tokens of the name") };
                context.printer.notice(format!("revoked {what} {name}"));
                if is_last {
                    let note =
                        "no token is left: a server that is started now lets whoever is on its machine do everything";
                    context.printer.notice(note);
                }
            }
            TokenAction::Rotate { name, overlap, token_file } => {
                let text = text_of(token_file.as_deref())?;
                let place = context.open(Access::Write)?;
                let until = SystemTime::now() + overlap;
                let token = place.tokens()?.rotate_token(&name, &text, until)?;
                place.close()?;
                let old = if overlap.is_zero() {
                    "the old one is refused from now on".to_owned()
                } else {
                    format!("the old one is good until {}", humantime::format_rfc3339_seconds(until))
                };
                context.printer.notice(format!("rotated token {}; {old}", token.name));
                show(context, token_file.is_none(), &text, &token)?;
            }
            TokenAction::Generate => {
                let text = TokenText::draw()?;
                context.write(format!("{}\n", text.as_str()).as_bytes())?;
            }
        }
        Ok(Status::Done)
    }
}

impl CreateTokenArgs {
    fn run(self, context: &mut Context) -> Result<()> {
        if let Some(filter) = &self.filter {
            Filter::parse(filter)?;
        }
        if self.filter.is_some() && matches!(self.role, Role::Admin | Role::Monitor) {
            let why = format!("a token with --where has the role reader or writer, not {}", self.role);
            return Err(Error::argument(why));
        }
        let matches = context.invocation.1;
        let given = |name: &str| match matches.value_source(name) {
            Some(ValueSource::CommandLine | ValueSource::EnvVariable) => {
                NamePattern::parse(matches.get_one::<String>(name).cloned().unwrap_or_default())
            }
            _ => Ok(NamePattern::all()),
        };
        let (tenant, database) = (given("tenant")?, given("database")?);
        let text = text_of(self.token_file.as_deref())?;
        let grant = Grant { role: self.role, tenant, database, collection: self.collection, filter: self.filter };
        let mut token = Token::new(&text, self.name, grant)?;
        token.rate = self.rate;
        token.expires = self.expires.map(|expires| token.created.saturating_add(expires.as_secs()));
        context.prepare(self.file)?;
        let place = context.open_or_make()?;
        let is_new = place.tokens()?.create_token(&token, &text)?;
        place.close()?;
        if !is_new {
            context.printer.notice(format!("token {} is there already", token.name));
            return Ok(());
        }
        let shown = if self.token_file.is_none() { "; it is shown this once" } else { "" };
        context.printer.notice(format!("created token {}: {}{shown}", token.name, in_words(&token)));
        if token.grant.filter.is_some() && token.grant.role == Role::Writer {
            context
                .printer
                .notice("with --where it deletes what passes the filter; adding and changing records is refused");
        }
        show(context, self.token_file.is_none(), &text, &token)
    }
}

/// Draws a token, or reads the one that a file holds.
fn text_of(file: Option<&Path>) -> Result<TokenText> {
    let Some(path) = file else { return TokenText::draw() };
    let bad = |why: String| {
        let hint = Some("`huedb token generate` prints one".into());
        Error::BadInput { source: path.display().to_string(), why, hint }
    };
    let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    TokenText::parse(text.trim()).ok_or_else(|| bad("there is no token in it, or it was cut or mistyped".into()))
}

/// Prints the token by itself, so that a script can take it; in a format that was asked for, with all that is known of it.
fn show(context: &mut Context, is_drawn: bool, text: &TokenText, token: &Token) -> Result<()> {
    if !is_drawn {
        return Ok(());
    }
    if context.chosen_format().is_some() {
        return context.facts(&described(token).with("token", text.as_str()));
    }
    writeln!(context.out(), "{}", text.as_str()).map_err(|error| Error::io("write the token", error))
}

fn described(token: &Token) -> Properties {
    let Grant { role, tenant, database, collection, filter } = &token.grant;
    let facts = Properties::new().with("name", token.name.as_str()).with("id", token.id.as_str());
    let facts = facts.with("role", role.as_str()).with("tenant", tenant.as_str()).with("database", database.as_str());
    let facts = facts.with("collection", collection.as_str()).with("where", filter.clone());
    let at = |time: SystemTime| humantime::format_rfc3339_seconds(time).to_string();
    let created = SystemTime::UNIX_EPOCH + Duration::from_secs(token.created);
    let facts = facts.with("rate", token.rate.map(|rate| rate.to_string())).with("created", at(created));
    let facts = facts.with("expires", token.expires_at().map(at));
    facts.with("expired", token.is_expired(SystemTime::now()))
}

/// Says what a token is good for.
fn in_words(token: &Token) -> String {
    let Grant { role, tenant, database, collection, filter } = &token.grant;
    let mut words = vec![role.to_string()];
    for (what, pattern) in [("tenant", tenant), ("database", database), ("collection", collection)] {
        if !pattern.is_all() {
            words.push(format!("{what} {}", pattern.as_str()));
        }
    }
    words.extend(filter.as_ref().map(|filter| format!("where {filter}")));
    words.extend(token.rate.map(|rate| rate.to_string()));
    words.extend(token.expires_at().map(|expires| format!("until {}", humantime::format_rfc3339_seconds(expires))));
    words.join(", ")
}
