//! `huedb help`.

use clap::{Args, Command};
use huedb::error::{Error, Result};

use crate::cli::arguments::did_you_mean::meant;
use crate::cli::context::command::Context;
use crate::cli::help::{commands, options, overview, readable};
use crate::cli::process::exit::Status;

/// Show what a command takes, all commands, or the options that all have
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb help
  huedb help query
  huedb help index build
  huedb help commands
  huedb help options")]
pub(crate) struct HelpArgs {
    /// Command, `commands` or `options` [default: an overview]
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

impl HelpArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let tree = context.invocation.0.plain_tree();
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let page = match words.as_slice() {
            [] => overview(&tree),
            ["commands"] => commands(&tree),
            ["options"] => options(&tree),
            path => of_command(readable(tree), path)?,
        };
        context.write(page.as_bytes())?;
        Ok(Status::Done)
    }
}

fn of_command(mut tree: Command, path: &[&str]) -> Result<String> {
    tree.build();
    let mut command = &mut tree;
    for word in path {
        let known: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        command = command.find_subcommand_mut(word).ok_or_else(|| Error::InvalidArgument {
            why: format!("no command {:?}{}", path.join(" "), meant(word, &known)),
            hint: Some(
                "`huedb help commands` lists them; `huedb man filters` and `huedb man errors` are pages of their own"
                    .into(),
            ),
        })?;
    }
    Ok(command.render_long_help().to_string())
}
