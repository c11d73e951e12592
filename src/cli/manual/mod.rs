//! The manual: a page for huedb, one for every command, and topics written by hand.
//!
//! Made from the tree of commands. Invariant: there is a page for each command that a page names, and each says what huedb
//! reads from the environment, which files it uses and with what it exits.

mod arguments;
mod markdown;
mod roff;
mod texts;

use clap::Command;

use self::roff::{Roff, bold};
use crate::cli::help::{GROUPS, group_of};

/// A page: the name of its file, and its source.
pub(crate) struct Page {
    pub(crate) file: String,
    pub(crate) source: Vec<u8>,
}

/// The guides, which are in section 7, and their Markdown.
const GUIDES: [(&str, &str); 8] = [
    ("data", include_str!("../../../man/data.md")),
    ("searching", include_str!("../../../man/searching.md")),
    ("scripting", include_str!("../../../man/scripting.md")),
    ("serving", include_str!("../../../man/serving.md")),
    ("places", include_str!("../../../man/places.md")),
    ("models", include_str!("../../../man/models.md")),
    ("chroma", include_str!("../../../man/chroma.md")),
    ("storage", include_str!("../../../man/storage.md")),
];

/// The pages written by hand, in the same section.
const TOPICS: [(&str, &str); 2] = [
    ("errors", include_str!("../../../man/huedb-errors.7")),
    ("filters", include_str!("../../../man/huedb-filters.7")),
];

/// Returns every page.
pub(crate) fn pages(mut tree: Command) -> Vec<Page> {
    tree.build();
    let mut pages = vec![of_program(&tree)];
    for verb in visible(&tree) {
        gather(&tree, "huedb", verb, &mut pages);
    }
    pages.extend(GUIDES.map(|(name, text)| of_topic(name, markdown::page(&format!("huedb-{name}"), text))));
    pages.extend(TOPICS.map(|(name, text)| of_topic(name, text.into())));
    pages
}

fn of_topic(name: &str, source: Vec<u8>) -> Page {
    Page { file: format!("huedb-{name}.7"), source }
}

/// Adds the page of a command and those of the commands below it.
fn gather(tree: &Command, above: &str, command: &Command, pages: &mut Vec<Page>) {
    let name = format!("{above} {}", command.get_name());
    pages.push(of_command(tree, &name, command));
    for below in visible(command) {
        gather(tree, &name, below, pages);
    }
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| !verb.is_hide_set())
}

/// The page of the whole program.
fn of_program(tree: &Command) -> Page {
    let mut page = Roff::page("huedb", 1);
    title(&mut page, "huedb", tree);
    page.section("Synopsis");
    page.text("`huedb` [OPTIONS] COMMAND");
    describe(&mut page, tree);
    page.section("Commands");
    for (group, verbs) in GROUPS {
        page.group(group);
        for verb in verbs.iter().filter_map(|verb| tree.find_subcommand(verb)) {
            page.item(&reference(&format!("huedb {}", verb.get_name())), &about(verb));
        }
    }
    page.section("Options");
    arguments::write(&mut page, tree.get_arguments());
    texts::examples_of_program(&mut page);
    texts::environment(&mut page, tree);
    texts::files(&mut page);
    texts::exit_status(&mut page);
    let topics = GUIDES.iter().chain(&TOPICS).map(|(name, _)| format!("{}(7)", bold(&format!("huedb-{name}"))));
    see_also(&mut page, &topics.collect::<Vec<_>>());
    Page { file: "huedb.1".into(), source: page.finish() }
}

/// The page of a command, by its whole name.
fn of_command(tree: &Command, name: &str, command: &Command) -> Page {
    let file = name.replace(' ', "-");
    let mut page = Roff::page(&file, 1);
    title(&mut page, &file, command);
    page.section("Synopsis");
    for (at, usage) in usages(command).iter().enumerate() {
        if at > 0 {
            page.source(".br");
        }
        page.text(&usage.replacen(name, &format!("`{name}`"), 1));
    }
    describe(&mut page, command);
    if command.has_subcommands() {
        page.section("Commands");
        for below in visible(command) {
            page.item(&reference(&format!("{name} {}", below.get_name())), &about(below));
        }
    }
    let own = |arg: &&clap::Arg| !arg.is_global_set();
    let (arguments, options): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(own).partition(|arg| arg.is_positional());
    if !arguments.is_empty() {
        page.section("Arguments");
        arguments::write(&mut page, arguments.into_iter());
    }
    page.section("Options");
    arguments::write(&mut page, options.into_iter());
    page.paragraph("The options that all commands have are in huedb(1).");
    texts::after(&mut page, command);
    texts::environment(&mut page, command);
    texts::files(&mut page);
    texts::exit_status(&mut page);
    see_also(&mut page, &neighbours(tree, name, command));
    Page { file: format!("{file}.1"), source: page.finish() }
}

fn title(page: &mut Roff, name: &str, command: &Command) {
    page.section("Name");
    page.text(&format!("{name} - {}", about(command)));
}

fn describe(page: &mut Roff, command: &Command) {
    page.section("Description");
    let text = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    page.text(&text);
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// A line for each way to use a command.
fn usages(command: &Command) -> Vec<String> {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage:").lines().map(|line| line.trim().to_owned()).collect()
}

/// The page of a command, by its whole name.
fn reference(name: &str) -> String {
    format!("{}(1)", bold(&name.replace(' ', "-")))
}

/// What is read beside the page of a command: what it is a part of, its group, and the topics that its options name.
fn neighbours(tree: &Command, name: &str, command: &Command) -> Vec<String> {
    let mut words = name.split(' ').skip(1);
    let verb = words.next().unwrap_or_default();
    let above = words.next().map(|_| format!("huedb {verb}"));
    let group = group_of(verb).iter().filter(|other| **other != verb && tree.find_subcommand(other).is_some());
    let mut names: Vec<String> =
        above.into_iter().chain(group.map(|other| format!("huedb {other}"))).map(|name| reference(&name)).collect();
    if command.get_arguments().any(|arg| arg.get_long() == Some("where")) {
        names.push(format!("{}(7)", bold("huedb-filters")));
    }
    names.push(format!("{}(7)", bold("huedb-errors")));
    names.insert(0, reference("huedb"));
    names
}

fn see_also(page: &mut Roff, names: &[String]) {
    page.section("See also");
    page.source(&names.join(", "));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::tree;

    fn text(page: &Page) -> String {
        String::from_utf8(page.source.clone()).unwrap()
    }

    #[test]
    fn every_page_that_is_named_is_there() {
        let pages = pages(tree::command());
        let files: BTreeSet<String> = pages.iter().map(|page| page.file.replace('.', "(") + ")").collect();
        assert_eq!(files.len(), pages.len());
        for page in &pages {
            let plain = text(page).replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
            for (at, _) in plain.match_indices("huedb-") {
                let name: String = plain[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                let rest = &plain[at + name.len()..];
                if let Some(section) = rest.strip_prefix('(').and_then(|rest| rest.chars().next()) {
                    assert!(files.contains(&format!("{name}({section})")), "{}: {name}({section})", page.file);
                }
            }
        }
    }

    #[test]
    fn every_page_of_a_command_has_all_parts() {
        for page in pages(tree::command()).iter().filter(|page| page.file.ends_with(".1")) {
            let text = text(page);
            for part in
                ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO"]
            {
                assert!(text.contains(&format!(".SH {part}\n")), "{}: no {part}", page.file);
            }
        }
    }
}
