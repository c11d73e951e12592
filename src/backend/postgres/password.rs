//! Passwords of PostgreSQL's own places: the variable PGPASSWORD and the file ~/.pgpass.
//!
//! Invariant: a file that others may read is not read, as PostgreSQL's own programs do not read it.

use std::path::{Path, PathBuf};

use postgres::Config;
use postgres::config::Host;

/// Finds the password for a connection.
pub(super) fn find(config: &Config, file: Option<PathBuf>) -> Option<String> {
    if let Ok(password) = std::env::var("PGPASSWORD") {
        return Some(password);
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
    let path = file.or_else(|| std::env::var_os("PGPASSFILE").map(PathBuf::from)).or_else(home)?;
    let text = read_private(&path)?;
    let user = config.get_user()?;
    let database = config.get_dbname().unwrap_or(user);
    let ports = config.get_ports();
    config.get_hosts().iter().enumerate().find_map(|(at, host)| {
        let host = match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(_) => "localhost".to_owned(),
        };
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432).to_string();
        text.lines().find_map(|line| password_in(line, &[&host, &port, database, user]))
    })
}

fn read_private(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let is_private = path.metadata().ok()?.permissions().mode().trailing_zeros() >= 6;
    if is_private { std::fs::read_to_string(path).ok() } else { None }
}

/// Returns the password of a line `host:port:database:user:password` that is about this connection.
fn password_in(line: &str, wanted: &[&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let (mut fields, mut field, mut characters) = (Vec::new(), String::new(), line.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' => field.extend(characters.next()),
            ':' if fields.len() < wanted.len() => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    let fits = fields.len() == wanted.len() && fields.iter().zip(wanted).all(|(said, is)| said == "*" || said == is);
    fits.then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let wanted = ["db", "5432", "notes", "ann"];
        for (line, password) in [
            ("db:5432:notes:ann:secret", Some("secret")),
            ("*:*:*:ann:a\\:b\\\\c", Some("a:b\\c")),
            ("db:5433:notes:ann:secret", None),
            ("# db:5432:notes:ann:secret", None),
            ("db:5432:notes", None),
        ] {
            assert_eq!(password_in(line, &wanted).as_deref(), password, "{line}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "*:*:*:*:x").unwrap();
        assert_eq!(read_private(file.path()).as_deref(), Some("*:*:*:*:x"));
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read_private(file.path()), None);
    }
}
