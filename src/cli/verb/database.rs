//! `huedb database`.

use clap::{Args, Subcommand};
use huedb::error::{Error, Result};
use huedb::record::{DatabaseName, Scope};
use huedb::store::{Access, DatabaseInfo};

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::Properties;

/// Create, list and delete the databases of a tenant
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  huedb database create staging
  huedb create notes --database staging
  huedb database list -o ids")]
pub(crate) struct DatabaseArgs {
    #[command(subcommand)]
    action: DatabaseAction,
}

#[derive(Debug, Subcommand)]
enum DatabaseAction {
    /// Create a database (and the database file if needed)
    Create {
        /// Name: 3 to 512 characters from [a-zA-Z0-9._-], starting and ending with a letter or digit
        name: String,

        #[command(flatten)]
        file: NewFileArgs,
    },
    /// List the databases of the tenant
    List,
    /// Delete a database and its collections
    Drop {
        /// Database
        name: String,
    },
}

impl DatabaseArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        match self.action {
            DatabaseAction::Create { name, file } => {
                let name = DatabaseName::parse(name)?;
                if context.may_exist() && names(context)?.iter().any(|known| known == name.as_str()) {
                    let tenant = context.scope().tenant.clone();
                    return Err(Error::DatabaseExists { name: name.as_str().to_owned(), tenant });
                }
                let made = context.change_or_make(file, |place| place.create_database(&name))?;
                context.printer.notice(format!("created database {} of {}", made.name, made.tenant));
            }
            DatabaseAction::List => {
                let databases = context.open(Access::Read)?.databases()?;
                let line = |database: DatabaseInfo| {
                    Properties::new()
                        .with("name", database.name)
                        .with("tenant", database.tenant)
                        .with("id", database.id.to_string())
                };
                context.list(&databases.into_iter().map(line).collect::<Vec<_>>())?;
            }
            DatabaseAction::Drop { name } => {
                Scope { database: name.clone(), ..context.scope().clone() }.check_may_go()?;
                let known = names(context)?;
                if !known.contains(&name) {
                    return Err(Error::DatabaseNotFound { name, tenant: context.scope().tenant.clone(), known });
                }
                let collections = context.change(|place| place.drop_database(&name))?;
                context.printer.notice(format!("dropped database {name}, collections: {collections}"));
            }
        }
        Ok(Status::Done)
    }
}

/// Returns the databases of the tenant, before the file is opened for writing.
fn names(context: &Context) -> Result<Vec<String>> {
    Ok(context.open(Access::Read)?.databases()?.into_iter().map(|database| database.name).collect())
}
