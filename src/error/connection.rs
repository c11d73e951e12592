//! What the system says of a connection that fails, as a sentence says it.
//!
//! Invariant: no number of the system is shown, and what is not known here is said in the system's own words.

use std::io::{Error, ErrorKind};

/// Says why a connection came to nothing.
pub(crate) fn words_of(error: &Error) -> String {
    let known = match error.kind() {
        ErrorKind::ConnectionRefused => "nothing accepts connections there",
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => "the connection was lost",
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer came in time",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "no network leads there from here"
        }
        _ => "",
    };
    let said = error.to_string();
    let own = said.rsplit_once(" (os error ").map_or(said.as_str(), |(own, _)| own);
    if known.is_empty() { own.to_owned() } else { known.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_the_system_is_shown() {
        let refused = Error::from_raw_os_error(nix::libc::ECONNREFUSED);
        assert!(refused.to_string().contains("os error"));
        assert_eq!(words_of(&refused), "nothing accepts connections there");
        assert_eq!(words_of(&ErrorKind::UnexpectedEof.into()), "the connection was lost");
        assert_eq!(words_of(&Error::from_raw_os_error(nix::libc::EACCES)), "Permission denied");
        assert_eq!(words_of(&Error::other("invalid peer certificate")), "invalid peer certificate");
    }
}
