//! `huedb tenant`.

use clap::{Args, Subcommand};
use huedb::error::{Error, Result};
use huedb::record::{Scope, TenantName};
use huedb::store::Access;

use crate::cli::arguments::global::NewFile;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::Facts;

/// Make, list and remove tenants
///
/// A tenant holds databases, a database holds collections; every verb takes --tenant and --database.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Tenant {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a tenant, and the file when there is none
    Create {
        /// Its name: 3 characters or more
        name: String,

        #[command(flatten)]
        file: NewFile,
    },
    /// List the tenants of the file
    List,
    /// Remove a tenant with its databases and their collections
    Drop {
        /// The tenant
        name: String,
    },
}

impl Tenant {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        match self.action {
            Action::Create { name, file } => {
                let name = TenantName::parse(name)?;
                if context.db.exists() && context.open(Access::Read)?.tenants()?.iter().any(|t| t == name.as_str()) {
                    return Err(Error::TenantExists { name: name.as_str().to_owned() });
                }
                context.prepare(file)?;
                let store = context.open_or_make()?;
                store.create_tenant(&name)?;
                store.close()?;
                context.printer.notice(format!("created tenant {}", name.as_str()));
            }
            Action::List => {
                let tenants = context.open(Access::Read)?.tenants()?;
                let lines: Vec<_> = tenants.into_iter().map(|name| Facts::new().with("name", name)).collect();
                context.list(&lines)?;
            }
            Action::Drop { name } => {
                Scope::check_tenant_may_go(&name)?;
                let known = context.open(Access::Read)?.tenants()?;
                if !known.contains(&name) {
                    return Err(Error::TenantNotFound { name, known });
                }
                let store = context.open(Access::Write)?;
                let collections = store.drop_tenant(&name)?;
                store.close()?;
                context.printer.notice(format!("dropped tenant {name}, collections: {collections}"));
            }
        }
        Ok(Status::Done)
    }
}
