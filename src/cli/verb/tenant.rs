//! `huedb tenant`.

use clap::{Args, Subcommand};
use huedb::error::{Error, Result};
use huedb::record::{Scope, TenantName};
use huedb::store::Access;

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::Properties;

/// Create, list and delete tenants
///
/// A tenant contains databases, a database contains collections; every command takes --tenant and --database.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct TenantArgs {
    #[command(subcommand)]
    action: TenantAction,
}

#[derive(Debug, Subcommand)]
enum TenantAction {
    /// Create a tenant (and the database file if needed)
    Create {
        /// Name: at least 3 characters
        name: String,

        #[command(flatten)]
        file: NewFileArgs,
    },
    /// List all tenants
    List,
    /// Delete a tenant, its databases and their collections
    Drop {
        /// Tenant
        name: String,
    },
}

impl TenantArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        match self.action {
            TenantAction::Create { name, file } => {
                let name = TenantName::parse(name)?;
                if context.may_exist() && context.open(Access::Read)?.tenants()?.iter().any(|t| t == name.as_str()) {
                    return Err(Error::TenantExists { name: name.as_str().to_owned() });
                }
                context.change_or_make(file, |place| place.create_tenant(&name))?;
                context.printer.notice(format!("created tenant {}", name.as_str()));
            }
            TenantAction::List => {
                let tenants = context.open(Access::Read)?.tenants()?;
                let lines: Vec<_> = tenants.into_iter().map(|name| Properties::new().with("name", name)).collect();
                context.list(&lines)?;
            }
            TenantAction::Drop { name } => {
                Scope::check_tenant_may_go(&name)?;
                let known = context.open(Access::Read)?.tenants()?;
                if !known.contains(&name) {
                    return Err(Error::TenantNotFound { name, known });
                }
                let collections = context.change(|place| place.drop_tenant(&name))?;
                context.printer.notice(format!("dropped tenant {name}, collections: {collections}"));
            }
        }
        Ok(Status::Done)
    }
}
