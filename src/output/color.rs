//! Whether colour is used, and the few escape sequences that are.
//!
//! Colour here means bold, dim, and red for what was looked for: nothing needs it to be understood. Invariant: a flag beats the environment,
//! and `NO_COLOR` beats `CLICOLOR_FORCE`.

use clap::ValueEnum;

/// The user's choice of colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    // On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    Always,
    Never,
}

/// What the environment says about colour (`no-color.org`, `bixense.com/clicolors`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ColorEnvironment {
    /// Nothing: colour on a terminal.
    #[default]
    Unset,
    /// `NO_COLOR` is set, or `CLICOLOR` is 0, or the terminal is dumb.
    Off,
    /// `CLICOLOR_FORCE` is set and not 0.
    Forced,
}

impl ColorEnvironment {
    /// Reads the environment through `variable`, which returns the value of a variable.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        if value("NO_COLOR").is_some() {
            Self::Off
        } else if value("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            Self::Forced
        } else if value("CLICOLOR").is_some_and(|value| value == "0") || value("TERM").is_some_and(|t| t == "dumb") {
            Self::Off
        } else {
            Self::Unset
        }
    }
}

impl ColorChoice {
    /// Decides whether a stream gets colour.
    #[must_use]
    pub(crate) fn resolve(self, environment: ColorEnvironment, is_terminal: bool) -> bool {
        match (self, environment) {
            (Self::Always, _) | (Self::Auto, ColorEnvironment::Forced) => true,
            (Self::Never, _) | (Self::Auto, ColorEnvironment::Off) => false,
            (Self::Auto, ColorEnvironment::Unset) => is_terminal,
        }
    }
}

/// Returns a sanitised text in bold, where colour is on.
pub(super) fn bold(text: &str, color: bool) -> String {
    if color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Returns a sanitised text dim, where colour is on.
pub(super) fn dim(text: &str, color: bool) -> String {
    if color { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> ColorEnvironment {
        ColorEnvironment::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_decides_only_for_auto() {
        use ColorEnvironment::{Forced, Off, Unset};
        let cases = [
            (ColorChoice::Auto, Unset, [false, true]),
            (ColorChoice::Auto, Off, [false, false]),
            (ColorChoice::Auto, Forced, [true, true]),
            (ColorChoice::Always, Off, [true, true]),
            (ColorChoice::Never, Forced, [false, false]),
        ];
        for (choice, environment, [pipe, terminal]) in cases {
            assert_eq!(choice.resolve(environment, false), pipe, "{choice:?} {environment:?} in a pipe");
            assert_eq!(choice.resolve(environment, true), terminal, "{choice:?} {environment:?} on a terminal");
        }
    }

    #[test]
    fn variables_follow_their_conventions() {
        assert_eq!(environment(&[]), ColorEnvironment::Unset);
        assert_eq!(environment(&[("NO_COLOR", "")]), ColorEnvironment::Unset);
        assert_eq!(environment(&[("NO_COLOR", "0"), ("CLICOLOR_FORCE", "1")]), ColorEnvironment::Off);
        assert_eq!(environment(&[("CLICOLOR_FORCE", "0")]), ColorEnvironment::Unset);
        assert_eq!(environment(&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")]), ColorEnvironment::Forced);
        assert_eq!(environment(&[("CLICOLOR", "0")]), ColorEnvironment::Off);
        assert_eq!(environment(&[("TERM", "dumb")]), ColorEnvironment::Off);
    }
}
